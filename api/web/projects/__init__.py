"""The pages of projects: the list with figures, and each project's dashboard."""
