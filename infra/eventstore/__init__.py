"""The event store: append events, read streams and the log, decode what is stored."""
