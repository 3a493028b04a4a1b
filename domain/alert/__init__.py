"""Alerts: rules of an organization, and the alerts that they open and resolve."""
