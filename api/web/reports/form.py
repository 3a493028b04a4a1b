"""The form of a report: what people choose, and the body that the API takes."""

from typing import Annotated, Any

from msgspec import field

from api.http.bodies.form_body import typed
from api.web.kit.forms.fields import VersionedForm
from domain.report.contents import SECTIONS
from projections.reports.queries import ScheduledReport

_ALL = "org"


class ReportForm(VersionedForm, frozen=True, kw_only=True):
    """A report as people type it; ``about`` is ``org``, or a kind and an id."""

    name: Annotated[str, typed("Name")] = ""
    about: str = _ALL
    period: str = "weekly"
    weekday: str = "monday"
    hour: str = "9"
    recipients: Annotated[str, typed("Recipients")] = ""
    sections: list[str] = field(default_factory=lambda: [*SECTIONS])

    def body(self) -> dict[str, Any]:
        """Return the fields that a new report and a changed one have."""
        return {
            "name": self.name.strip(),
            "period": self.period,
            "weekday": self.weekday,
            "hour": int(self.hour[:2]) if self.hour.isdecimal() else -1,
            "recipients": self.recipients.replace(",", " ").split(),
            "sections": self.sections,
        }

    def scope(self) -> dict[str, str]:
        """Return the scope of a new report."""
        kind, _, of = self.about.partition(":")
        return {"type": kind, "id": of} if of else {"type": kind}


def form_of(report: ScheduledReport) -> ReportForm:
    """Return the form of a report as it is."""
    return ReportForm(
        name=report.name,
        about=report.scope.type,
        period=report.period,
        weekday=report.weekday,
        hour=str(report.hour),
        recipients="\n".join(report.recipients or ()),
        sections=[*report.sections],
        version=str(report.version),
    )
