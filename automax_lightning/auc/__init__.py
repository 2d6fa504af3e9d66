"""AUC losses inside Lightning; knows nothing of search."""
