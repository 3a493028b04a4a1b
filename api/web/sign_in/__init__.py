"""Signing in, by key or by link."""
