"""Rows in from standard input and files, answers out."""
