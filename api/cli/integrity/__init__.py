"""Commands about the log: its roots and their key, and its check."""
