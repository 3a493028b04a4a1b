"""The pages of campaigns: the list, and each one's dashboard, members and settings."""
