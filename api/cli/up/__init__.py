"""`goatherd up`: every process on one machine, with servers of its own."""
