"""The routes of summaries: leaderboards, the habits of posting and key figures."""
