"""Campaigns: their list, what is in them, their past states and their history."""
