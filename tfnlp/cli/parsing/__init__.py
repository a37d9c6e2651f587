"""Command-line parsing: dataclasses as flags, recipe files and search spaces."""
