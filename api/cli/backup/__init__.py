"""`goatherd backup` and `goatherd restore`: an installation in files."""
