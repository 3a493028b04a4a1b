"""The schedule: when each creator and video is scraped next."""
