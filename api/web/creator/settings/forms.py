"""The forms on the settings of a creator."""

from typing import Annotated

from msgspec import Struct

from api.http.bodies.form_body import typed


class TrackingForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name, tags, tracking; ``take`` names a field to replace by its stored value."""

    display_name: Annotated[str, typed("Display name")]
    tags: Annotated[str, typed("Tags")]
    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]
    version: str
    original: str
    take: str = ""


class HandleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle; ``take`` as in ``TrackingForm``."""

    tiktok_handle: Annotated[str, typed("Handle")]
    version: str
    original: str
    take: str = ""


class ReturnForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tracking of a removed creator who is tracked again."""

    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]


class MoveForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The project to move to, and the treatment of earlier numbers."""

    project_id: str
    history: str = "whole"


class EraseForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle as a confirmation, the future of the figures, and a ban if ticked."""

    confirm: Annotated[str, typed("Handle")]
    figures: str
    ban: str = ""
