"""Reports: an issue is made from the figures, and sent to each recipient by mail."""
