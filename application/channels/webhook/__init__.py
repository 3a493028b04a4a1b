"""The channel for any address that takes signed JSON, as Standard Webhooks define."""
