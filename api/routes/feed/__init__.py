"""The routes of public events: the feed, its types, and the stream."""
