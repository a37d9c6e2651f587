"""Tasks: one file each; no task imports another, no engine imports a task."""
