"""Forms on pages: choices, dates, and edits of two people at once."""
