"""Keys: the master key, and the secrets that are kept encrypted with it."""
