"""Annotations: what happened on some days, noted by people or derived from the log."""
