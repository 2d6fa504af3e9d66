"""The next configuration; the only package that imports SMAC."""
