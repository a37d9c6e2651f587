"""Numbers from strings against strings: adapters over well-kept libraries."""
