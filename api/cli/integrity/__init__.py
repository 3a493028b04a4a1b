"""Commands about the log: its roots and their key, its check, and its sealing."""
