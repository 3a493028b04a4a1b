"""The engine: the types of projections, and the followers that apply the log."""
