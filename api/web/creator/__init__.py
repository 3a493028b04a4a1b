"""The pages of one creator: overview, videos, changes, notes and settings."""
