"""Sources: where observations come from, asked one after the other."""
