"""Every way in: HTTP, pages and the command line."""
