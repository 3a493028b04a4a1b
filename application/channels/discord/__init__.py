"""The channel for Discord: a webhook, and embeds that mention nobody."""
