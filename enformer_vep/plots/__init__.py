"""Pictures of variants: arrays, genes and names in, figures out. What draws them needs the extra `plots`."""
