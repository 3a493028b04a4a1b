"""`goatherd shares`: links to read-only pages are made, listed, changed and revoked."""
