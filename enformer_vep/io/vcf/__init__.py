"""VCF and BCF: their records, which of them are wanted, and what they are annotated with."""
