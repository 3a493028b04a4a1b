"""Signing in by an OpenID provider: its keys and tokens, and the people it knows."""
