"""The error that every embedded service raises."""


class EmbeddedServiceError(Exception):
    """A server cannot run here; the message is a sentence for the user."""
