"""Search: the whole installation is searched for erased values."""
