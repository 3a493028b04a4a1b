"""The handlers of what ends over many scrapes: a failing source, and an import."""

from collections.abc import Sequence
from uuid import UUID

from domain.decisions import Decision, Handler, on
from domain.messages import copied
from domain.organization.decider import project_owner
from domain.scrape import commands as c
from domain.scrape import events as e
from domain.scrape import source_health
from domain.scrape.source_health import source_of
from domain.streams import source_stream


def report_sources(commands: Sequence[c.ReportSource]) -> Handler[None]:
    """Note which sources of organizations began to fail, or answer again."""
    streams = [source_stream(each.organization_id, each.provider) for each in commands]
    histories = yield streams
    return Decision(
        None,
        events=[
            each
            for stream, command in zip(streams, commands, strict=True)
            for each in on(
                stream, source_health.decide(source_of(histories[stream]), command)
            )
        ],
    )


def finish_import(import_id: UUID, command: c.FinishImport) -> Handler[UUID]:
    """Note that an import ended; one that did already stays as it is.

    Raises:
        NotFoundError: the organization has no such project.
    """
    histories = yield (import_id, command.organization_id)
    project_owner(histories[command.organization_id], command.project_id)
    if histories[import_id]:
        return Decision(import_id)
    return Decision(
        import_id, events=on(import_id, [copied(command, e.ImportFinished)])
    )
