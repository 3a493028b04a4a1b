"""Due work: a table of work that falls due by time, and the loops that do it."""
