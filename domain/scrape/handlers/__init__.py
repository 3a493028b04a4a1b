"""Handlers of commands to scrapes: requests, results, retries and imports."""
