"""The commands to a person."""

from typing import Literal

import msgspec

from domain.messages import Command
from domain.person.events import SignInMethod


class RegisterPerson(Command, frozen=True, kw_only=True):
    name: str
    email: str


class ChangePerson(Command, frozen=True, kw_only=True):
    """Change the fields that are set; no time zone stands for the organization's."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET


class ChangeEmail(Command, frozen=True, kw_only=True):
    email: str


class ConfirmEmail(Command, frozen=True, kw_only=True):
    """Note that mails to an address reach the person, if it is still theirs."""

    email: str


class ChangeSignInMethod(Command, frozen=True, kw_only=True):
    method: SignInMethod
    change: Literal["added", "removed"]


class SignInPerson(Command, frozen=True, kw_only=True):
    method: SignInMethod


class ErasePerson(Command, frozen=True, kw_only=True):
    pass


PersonCommand = (
    RegisterPerson
    | ChangePerson
    | ChangeEmail
    | ConfirmEmail
    | ChangeSignInMethod
    | SignInPerson
    | ErasePerson
)
