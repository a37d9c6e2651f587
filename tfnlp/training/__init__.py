"""The training engine; it knows `Task` and no task."""
