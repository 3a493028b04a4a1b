"""The write side of analytics: snapshots folded into levels and sums."""
