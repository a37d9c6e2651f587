"""Keras layers and tensor functions without any text."""
