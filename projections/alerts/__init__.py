"""Alerts: their rules and states, and the questions that judge conditions."""
