"""The channel for ntfy: a topic, and headers that no name can break out of."""
