"""Handlers of commands to organizations, and to the texts of their things."""
