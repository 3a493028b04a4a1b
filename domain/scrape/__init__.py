"""Scrapes: runs from request to result, their intervals, and imported ones."""
