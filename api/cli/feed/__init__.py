"""`goatherd tail`: public events as they happen."""
