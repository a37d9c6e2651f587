"""Pretrained word vectors in the text formats of GloVe, word2vec and fastText."""
