"""Scrape runs: what was asked for, and what came of it."""
