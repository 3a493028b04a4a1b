"""Signing in, by key or by link, and the question of the first start."""
