"""Providers: one way of looking at TikTok each."""
