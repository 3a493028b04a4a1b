"""The one way an embedded service fails."""


class EmbeddedServiceError(Exception):
    """A server cannot run here; the message is a sentence for the person who asked."""
