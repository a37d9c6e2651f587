"""Rows in, batches out: readers, splits, batching, audit. No task is known here."""
