"""The routes of shared links: their list, and what each one shows."""
