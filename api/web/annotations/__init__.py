"""Annotations on pages: what happened below charts, and the forms of notes."""
