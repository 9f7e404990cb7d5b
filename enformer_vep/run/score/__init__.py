"""`score`: from a VCF to a table, in parts that can be resumed, shared and merged."""
