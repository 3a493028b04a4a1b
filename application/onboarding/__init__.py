"""Onboarding: videos and creators come into a project, from what people hand in."""
