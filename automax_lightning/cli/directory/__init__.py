"""Commands that take the directory of a search: look at it, report on it, repair it, run its failed trials again."""
