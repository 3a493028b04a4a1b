"""Analytics: levels and sums that follow from the log, and how they are read."""
