"""Recordings: the file format, and import, export and replay of observations."""
