"""Data modules with class-balanced batches."""
