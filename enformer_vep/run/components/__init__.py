"""`components`: principal components of scores."""
