"""Infrastructure: the event store, the databases and the settings everyone needs."""
