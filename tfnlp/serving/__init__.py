"""Clients of artefacts."""
