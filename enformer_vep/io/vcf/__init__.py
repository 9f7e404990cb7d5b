"""VCF and BCF: their records, the selection of records, and annotations."""
