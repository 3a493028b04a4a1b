"""The command line: what operators type, and what ``goatherd up`` runs for them."""

import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError


class CommandError(Exception):
    """A command cannot do what was asked; the message is one sentence saying why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit status.

    0, or 1 with one line on stderr that says why, or 2 where the command line itself
    was wrong.
    """
    from api.cli.commands import app, read_in

    given = sys.argv[1:] if arguments is None else arguments
    read_in(given)
    try:
        status = app(given, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return _complain(error, status=2)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not _is_expected(error):
            raise
        return _complain(error, status=1)
    return status if isinstance(status, int) else 0


def _complain(error: Exception, *, status: int) -> int:
    from infra.logs import masked

    sentence = masked(" ".join(str(error).split())) or type(error).__name__
    print(f"goatherd: {sentence}", file=sys.stderr)
    return status


def _is_expected(error: Exception) -> bool:
    """Tell what can happen to anybody from a fault in Goatherd itself."""
    import psycopg
    import redis

    from domain.errors import DomainError
    from infra.database import SchemaTooNewError
    from infra.embedded import EmbeddedServiceError
    from infra.eventstore.store import BusyError
    from infra.settings import SettingsError
    from projections.rebuild.errors import EXPECTED
    from workers.recordings.file_format import RecordingError

    expected = (
        *(CommandError, SettingsError, EmbeddedServiceError, SchemaTooNewError),
        *(DomainError, BusyError, RecordingError, *EXPECTED),
        *(psycopg.Error, redis.RedisError, OSError),
    )
    return isinstance(error, expected)
