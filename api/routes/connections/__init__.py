"""Connections: links for creators to connect their account, and what came of them."""
