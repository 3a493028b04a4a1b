"""People: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from typing import assert_never

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.decisions import check_name, check_time_zone, state_after
from domain.email import checked_email, same_email
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, copied
from domain.person import commands as c
from domain.person import events as e
from domain.person.errors import LastSignInMethodError, SecondStepRequiredError

_WAYS_IN: frozenset[e.SignInMethod] = frozenset({"password", "passkey", "oidc"})


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    """A person; the version counts changes of what the person can change.

    ``methods`` are the ways in which the person can sign in, and ``passkeys`` is the
    number of their passkeys. ``email_confirmed`` tells whether mails to the present
    address reached them.
    """

    name: str
    email: str
    locale: str
    time_zone: str | None
    methods: frozenset[e.SignInMethod] = frozenset()
    passkeys: int = 0
    email_confirmed: bool = False
    version: int = 1
    is_erased: bool = False


def decide(person: PersonState | None, command: c.PersonCommand) -> list[e.PersonEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no such person, or they were erased.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidEmailError: the text is no email address.
        InvalidTimeZoneError: the time zone is not an IANA zone.
        SecondStepRequiredError: a password alone does not sign this person in.
        LastSignInMethodError: the person could not sign in any more.
    """
    if isinstance(command, c.RegisterPerson):
        return [] if person is not None else [_registered(command)]
    if person is None or person.is_erased:
        raise NotFoundError("person")
    match command:
        case c.ChangePerson():
            return _changed(person, command)
        case c.ChangeEmail():
            email = checked_email(command.email)
            return [] if email == person.email else [e.EmailChanged(email=email)]
        case c.ConfirmEmail(email=email):
            is_theirs = same_email(email) == same_email(person.email)
            is_new = is_theirs and not person.email_confirmed
            return [e.EmailConfirmed()] if is_new else []
        case c.ChangeSignInMethod():
            return _method_changed(person, command)
        case c.SignInPerson():
            if command.method == "password" and "codes" in person.methods:
                raise SecondStepRequiredError
            return [copied(command, e.PersonSignedIn)]
        case c.ErasePerson():
            return [e.PersonErased()]
        case _:
            assert_never(command)


def evolve(person: PersonState | None, event: e.PersonEvent) -> PersonState:
    """Return the person after ``event``; it never refuses."""
    if isinstance(event, e.PersonRegistered):
        return copied(event, PersonState)
    if person is None:
        msg = "A person's history must begin with person_registered."
        raise CorruptHistoryError(msg)
    version = person.version + 1
    match event:
        case e.PersonRenamed(name=name):
            return replace(person, name=name, version=version)
        case e.PersonPreferencesChanged(time_zone=time_zone):
            if time_zone is UNSET:
                return person
            return replace(person, time_zone=time_zone, version=version)
        case e.EmailChanged(email=email):
            return replace(person, email=email, email_confirmed=False, version=version)
        case e.EmailConfirmed():
            return replace(person, email_confirmed=True)
        case e.SignInMethodChanged():
            return _with_method(person, event)
        case e.PersonSignedIn():
            return person
        case e.PersonErased():
            return replace(person, is_erased=True)
        case _:
            assert_never(event)


def person_of(history: Sequence[Event]) -> PersonState | None:
    """Return the person of this history, None if the history is not a person's."""
    return state_after(history, e.PersonEvent, evolve)


def _registered(command: c.RegisterPerson) -> e.PersonRegistered:
    check_name(command.name)
    return copied(
        command,
        e.PersonRegistered,
        name=command.name.strip(),
        email=checked_email(command.email),
    )


def _changed(person: PersonState, command: c.ChangePerson) -> list[e.PersonEvent]:
    events: list[e.PersonEvent] = []
    if command.name is not UNSET and command.name.strip() != person.name:
        check_name(command.name)
        events.append(e.PersonRenamed(name=command.name.strip()))
    if command.time_zone is not UNSET and command.time_zone != person.time_zone:
        if command.time_zone is not None:
            check_time_zone(command.time_zone)
        events.append(e.PersonPreferencesChanged(time_zone=command.time_zone))
    return events


def _method_changed(
    person: PersonState, command: c.ChangeSignInMethod
) -> list[e.PersonEvent]:
    event = copied(command, e.SignInMethodChanged)
    if command.change == "added":
        return [event]
    if command.method not in person.methods:
        return []
    # Codes are a second step, which signs nobody in by itself.
    if not _with_method(person, event).methods & _WAYS_IN:
        raise LastSignInMethodError
    return [event]


def _with_method(person: PersonState, event: e.SignInMethodChanged) -> PersonState:
    change = 1 if event.change == "added" else -1
    if event.method == "passkey":
        person = replace(person, passkeys=max(0, person.passkeys + change))
        if person.passkeys:
            return replace(person, methods=person.methods | {event.method})
    elif event.change == "added":
        return replace(person, methods=person.methods | {event.method})
    return replace(person, methods=person.methods - {event.method})
