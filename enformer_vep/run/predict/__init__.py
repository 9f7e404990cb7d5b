"""`predict`: the tracks of regions, and of both alleles of variants."""
