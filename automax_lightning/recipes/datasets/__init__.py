"""The data of a recipe."""
