"""`goatherd webhooks`: endpoints that get public events, and their deliveries."""
