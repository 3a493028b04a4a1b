"""The routes of channels: the list, one channel, and a test of it."""
