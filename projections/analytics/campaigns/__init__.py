"""Campaigns in analytics: what counts in each, and the sums of it."""
