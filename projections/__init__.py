"""Projections: read models built from events, and what runs and rebuilds them."""
