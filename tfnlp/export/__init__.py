"""The export engine: from task and network to an artefact on disk."""
