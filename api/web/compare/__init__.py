"""The page that compares creators and projects."""
