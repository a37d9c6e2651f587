"""Data sets that install with pip: one TensorFlow Datasets builder a set."""
