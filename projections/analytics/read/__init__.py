"""The read side of analytics: series, breakdowns and explanations."""
