"""The channel for mails to the creators of a project, at their contact addresses."""
