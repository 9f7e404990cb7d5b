"""Reference genomes and their genes: FASTA, names of contigs, GTF."""
