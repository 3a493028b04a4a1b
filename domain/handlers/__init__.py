"""Handlers: pure functions from the histories a command needs to what is appended."""
