"""Handlers of commands to creators: from the histories they need to new events."""
