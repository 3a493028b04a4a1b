"""Shapes of TikTok's own JSON, as pages, lists, APIs and services have it."""
