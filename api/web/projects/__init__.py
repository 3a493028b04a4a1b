"""The pages of projects: the list with figures, and each one's dashboard."""
