"""The events of a person, who belongs to no organization; a membership is one's."""

from typing import ClassVar, Literal

import msgspec

from domain.messages import Event, Personal

SignInMethod = Literal["password", "codes", "recovery", "passkey", "oidc", "link"]


class PersonRegistered(Event, frozen=True, kw_only=True):
    """A person got an account.

    ``email`` is the address as the person wrote it. ``time_zone`` is null for that of
    the organization.
    """

    stored_name: ClassVar[str] = "person_registered"
    name: Personal[str]
    email: Personal[str]
    locale: str = "en"
    time_zone: str | None = None


class PersonRenamed(Event, frozen=True, kw_only=True):
    """The person has another name, which all histories show from now on."""

    stored_name: ClassVar[str] = "person_renamed"
    name: Personal[str]


class PersonPreferencesChanged(Event, frozen=True, kw_only=True):
    """The person reads times in another zone; null is that of the organization."""

    stored_name: ClassVar[str] = "person_preferences_changed"
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET


class EmailChanged(Event, frozen=True, kw_only=True):
    """The person signs in with another address from now on."""

    stored_name: ClassVar[str] = "email_changed"
    email: Personal[str]


class EmailConfirmed(Event, frozen=True, kw_only=True):
    """The person showed that mails to their present address reach them."""

    stored_name: ClassVar[str] = "email_confirmed"


class SignInMethodChanged(Event, frozen=True, kw_only=True):
    """The person can sign in in another way, or in one way less.

    A password that takes the place of another one was ``added``, and so were recovery
    codes. ``codes`` are those of an authenticator app. A person has several passkeys,
    so each of them is added and removed.
    """

    stored_name: ClassVar[str] = "sign_in_method_changed"
    method: SignInMethod
    change: Literal["added", "removed"]


class PersonSignedIn(Event, frozen=True, kw_only=True):
    """The person signed in; the address and the browser are in the session only.

    ``codes`` and ``recovery`` are second steps, which follow a password. ``link`` is a
    link of an operator, where nobody has a password.
    """

    stored_name: ClassVar[str] = "person_signed_in"
    method: SignInMethod


class PersonErased(Event, frozen=True, kw_only=True):
    """The person's name and addresses can't be read any more, at any past time."""

    stored_name: ClassVar[str] = "person_erased"


PersonEvent = (
    PersonRegistered
    | PersonRenamed
    | PersonPreferencesChanged
    | EmailChanged
    | EmailConfirmed
    | SignInMethodChanged
    | PersonSignedIn
    | PersonErased
)
