"""`background`: the distributions that percentiles are taken against."""
