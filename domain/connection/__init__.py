"""Consent: how creators allow Goatherd to read their own accounts, through a link."""
