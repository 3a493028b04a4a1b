"""Annotations: notes of people on some days, and events derived from the log."""
