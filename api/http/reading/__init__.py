"""Reads: queries, pages with cursors, and one snapshot for each answer."""
