"""Sources: the providers of observations, which are asked one after the other."""
