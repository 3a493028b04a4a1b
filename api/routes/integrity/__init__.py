"""The routes of the log: its roots, its check, and proofs of its events."""
