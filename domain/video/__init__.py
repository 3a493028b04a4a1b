"""Videos: TikTok posts in a project, and whether they count there."""
