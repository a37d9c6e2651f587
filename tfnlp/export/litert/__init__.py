"""LiteRT: the numeric half of an artefact for phones and small machines."""
