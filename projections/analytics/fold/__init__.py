"""The pure part of analytics: what events change in rows, levels and sums."""
