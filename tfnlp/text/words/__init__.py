"""Word features: casing, characters, character offsets, bigrams and gazetteers."""
