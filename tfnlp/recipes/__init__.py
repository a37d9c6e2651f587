"""Recipes: what the pipeline scripts share, from data flags to the saved artefact."""
