"""Channels: the services to which an organization sends alerts, and their state."""
