"""Readers of benchmark result files: one module per tool, one normal form."""
