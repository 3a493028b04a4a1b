"""The pages of all videos of all projects."""
