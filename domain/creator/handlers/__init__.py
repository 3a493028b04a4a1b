"""Handlers of commands to creators: what is appended, from the histories they need."""
