"""Providers: one source of observations each."""
