"""One intake of files: bytes, text encoding, delimiters, tables and columns."""
