"""The channel for Slack: an incoming webhook, and blocks without markup of names."""
