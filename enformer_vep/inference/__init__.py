"""Engines: from pairs of alleles to predictions."""
