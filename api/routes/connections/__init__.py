"""Connections: links with which creators connect, and the connected accounts."""
