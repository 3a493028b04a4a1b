"""Handlers: a function a command, each loads, lets the domain decide, and appends."""
