"""Webhooks: public events are signed and sent to the endpoints of customers."""
