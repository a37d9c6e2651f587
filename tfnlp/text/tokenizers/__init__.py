"""Tokenizers: words, characters, SentencePiece and WordPiece, in graph."""
