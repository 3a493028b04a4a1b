"""Handlers of commands to campaigns, and to the items in them."""
