"""`goatherd activity`: the list of events for people, newest first."""
