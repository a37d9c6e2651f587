"""Tagged sentences: formats, tagging schemes, spans, slots and semantic roles."""
