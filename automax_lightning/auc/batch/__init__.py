"""What a batch holds, what a network makes of it, and what its labels mean."""
