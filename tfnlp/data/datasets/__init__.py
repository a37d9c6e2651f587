"""Named data sets: TensorFlow Datasets and the built-in ones."""
