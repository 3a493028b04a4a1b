"""The read-only pages behind shared links, for people without an account."""
