"""What a projection is, and the follower that keeps one caught up with the log."""
