"""Where trials run: here, in child processes, on a Dask cluster."""
