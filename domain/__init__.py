"""The domain: what creators, scrapes and organizations are, and what may happen."""
