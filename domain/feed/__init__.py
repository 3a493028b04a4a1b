"""The feed: public events with schemas of their own, apart from stored names."""
