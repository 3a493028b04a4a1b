"""Sentences for changes of how a person signs in, without the actor."""

from domain.person.events import SignInMethodChanged


def sentence(event: SignInMethodChanged, *, item: str) -> str:
    """Return the sentence of an event; ``item`` is the present name of the person."""
    is_added = event.change == "added"
    match event.method:
        case "codes":
            turned = "on" if is_added else "off"
            return f"Second factor of {item}, codes of an app, turned {turned}"
        case "recovery":
            return f"Recovery codes of {item} {'made' if is_added else 'removed'}"
        case "oidc":
            joined = "connected with" if is_added else "parted from"
            return f"Account of {item} {joined} an OpenID provider"
        case "password":
            return f"Password of {item} {'set' if is_added else 'removed'}"
        case method:
            return f"{method.title()} of {item} {event.change}"
