"""Workers: they do what was requested, and report what they saw."""
