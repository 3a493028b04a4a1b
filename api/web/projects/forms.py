"""The fields of a project, and the form of one, new or stored."""

from api.http.error_codes import Code
from api.web.kit.forms.fields import Fields, FormField, VersionedForm
from projections.projects import Project

SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}

PROJECT = Fields(
    Project,
    "/projects",
    {
        "name": FormField(label="Name", is_trimmed=True, is_required=True),
        "description": FormField(label="Description", type="long", is_trimmed=True),
    },
)
ProjectForm = PROJECT.form("ProjectForm", PROJECT.by_name, VersionedForm)
