"""The routes of reports: their list, sending, and issues with frozen numbers."""
