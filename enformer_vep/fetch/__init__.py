"""Fetches weights, track tables and genomes into one cache folder, where every command finds them."""
