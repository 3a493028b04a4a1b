"""Campaigns: groups of creators, videos and other campaigns, and their targets."""
