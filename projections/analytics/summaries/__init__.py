"""The queries behind summaries: key figures, leaderboards and the habits of posting."""
