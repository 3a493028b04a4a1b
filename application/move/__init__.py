"""Moves: a creator changes its project, and its single videos there are merged."""
