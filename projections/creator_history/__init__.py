"""A creator's history: every event about it in one list, newest first."""
