"""Onboarding: videos come into a project, and a new organization gets its names."""
