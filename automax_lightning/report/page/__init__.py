"""One HTML file that shows a search."""
