"""Consent: how a creator lets its own account be read, by a link that it gets."""
