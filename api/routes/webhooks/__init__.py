"""The routes of webhooks: the list, one webhook, its deliveries and replays."""
