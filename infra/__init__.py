"""Infrastructure: the event store, the databases and the settings of all processes."""
