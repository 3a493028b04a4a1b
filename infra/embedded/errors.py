"""The error of all embedded services."""


class EmbeddedServiceError(Exception):
    """A server cannot run here; the message is a sentence for the user."""
