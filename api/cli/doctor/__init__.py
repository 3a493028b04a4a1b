"""`goatherd doctor`: the problems of an installation, and advice for each."""
