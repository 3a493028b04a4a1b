"""Figures of creators in analytics: levels and sums over days, for lists."""
