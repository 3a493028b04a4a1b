"""Onboarding: videos and creators come into a project from URLs and handles."""
