"""`goatherd alerts`, `alert-rules` and `notifications`: alerts and their rules."""
