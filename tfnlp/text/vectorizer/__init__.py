"""Text vectorization: terms, n-grams, vocabularies and padding."""
