"""The routes of videos: the list, one video, and bulk actions."""
