"""What stood at the end of each UTC day: the sums of creators."""
