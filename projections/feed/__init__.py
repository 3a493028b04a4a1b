"""The feed: public events in the order of the log, and what they follow from."""
