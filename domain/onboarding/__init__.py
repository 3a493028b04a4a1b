"""Onboarding: creators in pasted text and in CSV files, understood line by line."""
