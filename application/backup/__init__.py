"""Backups: an installation in files, and an installation from them."""
