"""Explanations: the observations behind a number, and the rules that applied."""
