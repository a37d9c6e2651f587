from .tokenizers.characters import CharacterTokenizer as CharacterTokenizer
from .tokenizers.sentencepiece import (
    SentencePieceTokenizer as SentencePieceTokenizer,
)
from .tokenizers.tokenizer import Tokenizer as Tokenizer
from .tokenizers.training import train_tokenizer as train_tokenizer
from .tokenizers.wordpiece import WordPieceTokenizer as WordPieceTokenizer
from .tokenizers.words import WordTokenizer as WordTokenizer
from .vectorizer.subword_vectorizer import SubwordVectorizer as SubwordVectorizer
from .vectorizer.vectorizer import Vectorizer as Vectorizer
from .vectors.files import load_vectors as load_vectors
from .vectors.known_words import vector_words as vector_words
from .vocabulary import Vocabulary as Vocabulary
from .words.gazetteer_files import load_gazetteers as load_gazetteers
