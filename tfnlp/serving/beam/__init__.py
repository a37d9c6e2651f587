"""Apache Beam: `RunInference` with an artefact."""
