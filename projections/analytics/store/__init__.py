"""The tables of analytics: their rows, their packed columns, and the SQL for both."""
