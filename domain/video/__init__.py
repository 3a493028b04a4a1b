"""Videos: what becomes of a TikTok post in a project."""
