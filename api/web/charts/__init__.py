"""Charts: measures, periods, numbers of analytics, and drawings."""
