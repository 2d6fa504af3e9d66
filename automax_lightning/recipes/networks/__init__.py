"""The network of a recipe."""
