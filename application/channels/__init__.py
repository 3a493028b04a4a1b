"""Channels: messages about alerts wait in a table until other services took them."""
