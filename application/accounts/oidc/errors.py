"""The reasons why somebody is not signed in by an OpenID provider."""


class SignInRefusedError(Exception):
    """Somebody is not signed in; the text says why, in a sentence for them.

    ``cause`` is for the operator, and the log has it. It has no personal data.
    """

    def __init__(self, text: str, *, cause: str = "") -> None:
        super().__init__(text)
        self.cause = cause


class ProviderFailedError(SignInRefusedError):
    """The provider can't be reached, or answered with something else."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            "The server that signs people in did not answer as it should. Try again "
            "in a minute. If that does not help, ask your operator to look at "
            "Goatherd's log.",
            cause=cause,
        )


class InvalidTokenError(SignInRefusedError):
    """The provider's token about a person can't be trusted."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            "The server that signs people in sent an answer that can't be trusted, so "
            "you were not signed in. Start again from here.",
            cause=cause,
        )


class UnknownKeyError(InvalidTokenError):
    """None of the provider's known keys signed the token."""


class TooLongAgoError(SignInRefusedError):
    """The person proved who they are longer ago than a session may last."""

    def __init__(self) -> None:
        super().__init__(
            "It is too long ago that you signed in at that server. Sign in there anew."
        )
