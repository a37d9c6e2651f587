"""What deploys an artefact: serving configuration, containers, example requests."""
