"""Encoders: one file an architecture, one public function each."""
