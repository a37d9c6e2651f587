"""Data audit: what is wrong with rows, counted before training."""
