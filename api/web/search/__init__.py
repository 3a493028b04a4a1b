"""Search: creators, videos, campaigns, projects, pages and actions by their names."""
