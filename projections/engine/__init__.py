"""The engine: the types of projections, and the follower that applies the log."""
