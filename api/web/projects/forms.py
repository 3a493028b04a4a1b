"""The form of a project, new or stored."""

from typing import Annotated

from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


class ProjectForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A project as typed; ``version`` is the version that the form was made from."""

    name: Annotated[str, typed("Name")] = ""
    description: Annotated[str, typed("Description")] = ""
    version: str = ""


def body_of(form: ProjectForm) -> dict[str, str | None]:
    return {
        "name": form.name.strip(),
        "description": form.description.strip() or None,
    }
