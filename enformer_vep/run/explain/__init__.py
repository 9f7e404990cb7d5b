"""`saturate`, `derive` and `contributions`: which bases matter."""
