"""Requests to other hosts: limited in time, bytes and number, and noted."""
