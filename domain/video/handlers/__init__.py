"""Handlers of commands to videos, and the merging of two videos that are the same."""
