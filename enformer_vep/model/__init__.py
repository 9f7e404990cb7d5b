"""Enformer itself: tensors, no genomics."""
