"""The video list, and the latest counts of each video."""
