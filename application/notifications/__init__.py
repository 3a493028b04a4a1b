"""Notifications: the news of the bell, and who has read them."""
