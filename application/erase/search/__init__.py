"""Search: the whole installation is looked through for what an erasure erased."""
