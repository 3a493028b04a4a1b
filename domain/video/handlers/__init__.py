"""Handlers of commands to videos, and the merging of two that are the same."""
