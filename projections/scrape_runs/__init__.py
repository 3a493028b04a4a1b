"""Scrape runs: each request of a scrape, and its result."""
