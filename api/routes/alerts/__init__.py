"""The routes of alerts: rules, their preview on the past, and alerts."""
