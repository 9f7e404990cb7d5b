"""`annotate`: finished scores as INFO of a VCF."""
