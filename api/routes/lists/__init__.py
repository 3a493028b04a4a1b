"""Lists of creators and videos with figures over any days: sorted, summed, as CSV."""
