"""The routes of creators: the list, one creator, bulk actions, import and erasure."""
