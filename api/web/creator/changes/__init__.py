"""The page of what changed about a creator."""
