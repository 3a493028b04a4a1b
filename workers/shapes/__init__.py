"""Shapes of TikTok's own JSON, as pages, lists and services pass it on."""
