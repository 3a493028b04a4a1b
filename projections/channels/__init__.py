"""Channels: the services to which alerts are sent, and the results."""
