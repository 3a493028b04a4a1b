"""Lists of creators and videos with figures over some days: sorted, summed, as CSV."""
