"""Webhooks: the endpoints that get public events, and what was delivered to them."""
