"""The engine: from comparisons of alleles to their statistics."""
