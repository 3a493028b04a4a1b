"""The page that reviews videos which wait for a decision."""
