"""The evaluation engine and its report; it knows `Task` and no task."""
