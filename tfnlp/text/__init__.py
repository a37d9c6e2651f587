"""Strings to ids and back, in graph. Nothing here knows a network."""
