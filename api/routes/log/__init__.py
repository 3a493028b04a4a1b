"""The routes of the log browser: events without payloads, traces, and stored types."""
