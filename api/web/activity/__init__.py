"""The page of what happened, and the cards that show its newest rows."""
