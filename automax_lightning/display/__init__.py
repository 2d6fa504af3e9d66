"""A search as a person sees it while it runs."""
