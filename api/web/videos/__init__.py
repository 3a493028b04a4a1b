"""The pages of all videos: those that count, and those that were excluded."""
