"""The page that compares creators, projects, campaigns or videos."""
