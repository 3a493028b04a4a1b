"""The fields of a project, the form of one, new or stored, and that of its logo."""

from typing import Annotated

from msgspec import Struct

from api.http.bodies.form_body import uploaded
from api.http.error_codes import Code
from api.web.kit.forms.fields import Fields, FormField, VersionedForm
from domain.organization.logo import MOST_BYTES
from projections.projects import Project

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}
SHOWN_ERRORS_OF_LOGOS = {Code.INVALID_LOGO, Code.BODY_TOO_LARGE}

# The form around a logo has some more bytes. Larger pictures than the API takes are
# read, too, so that the page can say that they are too large.
MOST_FORM_BYTES = 4 * MOST_BYTES

PROJECT = Fields(
    Project,
    "/projects",
    {
        "name": FormField(label="Name", is_trimmed=True, is_required=True),
        "description": FormField(label="Description", type="long", is_trimmed=True),
        "client": FormField(label="Client", is_trimmed=True),
        "comment": FormField(label="Comment", type="long", is_trimmed=True),
        "color": FormField(label="Colour", is_trimmed=True),
    },
)
NewProjectForm = PROJECT.form("NewProjectForm", ("name", "description"), VersionedForm)
ProjectForm = PROJECT.form("ProjectForm", PROJECT.by_name, VersionedForm)


class LogoForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file that a logo is, empty if none was chosen."""

    logo: Annotated[bytes, uploaded("Logo")] = b""
