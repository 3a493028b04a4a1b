"""The routes of analytics: series, schema and explanations."""
