"""Rendering: reports as page sections, mails, plain text, charts, PNG and PDF."""
