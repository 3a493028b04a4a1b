"""What stood at the end of each UTC day: sums of creators, and levels of videos."""
