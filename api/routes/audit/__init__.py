"""The audit: what happened to an organization itself, and who did it."""
