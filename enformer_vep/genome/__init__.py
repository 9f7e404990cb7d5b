"""Integers and letters: variants, windows and what a model reads of them. No files, no TensorFlow."""
