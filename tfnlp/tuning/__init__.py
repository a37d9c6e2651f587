"""Search for hyperparameters; it knows `Task` and no task."""
