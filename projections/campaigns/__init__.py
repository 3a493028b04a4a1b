"""Campaigns: their list, their items, their past states and their history."""
