"""The routes of campaigns: the list, one campaign, its items and its history."""
