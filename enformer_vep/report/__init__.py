"""The page that shows the results of a run: data in, HTML out."""
