"""Webhooks: endpoints of customers that get the public events, and their state."""
