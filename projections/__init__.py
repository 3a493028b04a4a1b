"""Projections: what happened, turned into tables that people read."""
