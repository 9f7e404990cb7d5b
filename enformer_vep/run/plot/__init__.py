"""`plot`: pictures of both alleles of variants."""
