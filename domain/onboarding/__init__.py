"""Onboarding: creators in pasted text and in CSV files, read line by line."""
