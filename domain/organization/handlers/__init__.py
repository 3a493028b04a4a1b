"""Handlers of commands to organizations, and of those to their texts."""
