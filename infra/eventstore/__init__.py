"""The event store: append events, read streams and the log, decode stored events."""
