"""Alerts: rules are judged when events touch an organization, and as time goes by."""
