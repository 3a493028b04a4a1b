"""The creator list: searched, sorted, and as of any time."""
