"""Plotly figures of a search."""
