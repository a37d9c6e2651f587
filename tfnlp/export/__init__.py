"""Export: task and network to an artefact on disk, in several formats."""
