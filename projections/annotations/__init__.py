"""Annotations: notes of people, and what follows from the log."""
