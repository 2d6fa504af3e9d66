"""From searched values to fits: the bridge between training and search."""
