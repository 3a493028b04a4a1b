"""The domain: creators, scrapes, organizations and their rules, in pure functions."""
