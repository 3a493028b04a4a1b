"""Annotations: notes of people, and events on charts that follow from the log."""
