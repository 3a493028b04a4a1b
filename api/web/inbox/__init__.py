"""The page to review videos that wait for a decision."""
