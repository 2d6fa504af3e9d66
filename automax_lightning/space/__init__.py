"""Search spaces: what a user writes, and what ConfigSpace makes of it."""
