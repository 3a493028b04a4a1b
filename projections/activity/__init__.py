"""Activity: what happened to creators, videos and campaigns, newest first."""
