"""One trial: a Lightning fit from a seed to a result."""
