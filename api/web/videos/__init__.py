"""The pages of all videos: those that count, of all projects."""
