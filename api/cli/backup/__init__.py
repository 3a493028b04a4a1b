"""Commands of backups: an installation in a file, and an installation from one."""
