"""Figures of videos in analytics: levels, sums over days, and orders by them."""
