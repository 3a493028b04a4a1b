"""The command line: commands for operators, and the processes of ``goatherd up``."""

import faulthandler
import os
import sys
from collections.abc import Sequence


class CommandError(Exception):
    """A command failed; the message is a sentence that gives the reason."""


class UsageError(CommandError):
    """The command line itself is wrong, whatever the installation holds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    The status is 0, or 1 with the reason in a line on stderr, or 2 if the command line
    itself is wrong.
    """
    # Processes that only import this package, such as the reaper, do without.
    from cyclopts import CoercionError, CycloptsError

    from api.cli.commands import app_for

    if arguments is None and sys.stderr is not None:
        # A crash below Python prints the stacks of all threads, and no values.
        faulthandler.enable()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        status = app_for(given)(given, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CoercionError as error:
        from api.cli.kit.wrong_values import in_plain_words

        return print_error(CommandError(in_plain_words(error)), status=2)
    except CycloptsError as error:
        return print_error(error, status=2)
    except BrokenPipeError:
        # The reader of our output has closed it; the flush at exit must not report
        # that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not is_expected(error):
            raise
        return print_error(error, status=2 if _is_usage(error) else 1)
    return status if isinstance(status, int) else 0


def _is_usage(error: Exception) -> bool:
    """Return whether the command line is wrong, and not the state that it met.

    A refusal of the domain may be the cause of an error that says more than it.
    """
    from domain.errors import DomainError

    return isinstance(error, UsageError) or any(
        isinstance(each, DomainError) and each.is_invalid_input
        for each in (error, error.__cause__)
    )


def print_error(error: Exception, *, status: int) -> int:
    """Print why a command failed as a line on stderr, and return the status."""
    from infra.logs import masked

    message = masked(" ".join(str(error).split())) or type(error).__name__
    print(f"goatherd: {message}", file=sys.stderr)
    return status


def is_expected(error: Exception) -> bool:
    """Return whether the error is expected, and not a fault in Goatherd itself."""
    import psycopg
    import redis

    from application.backup.errors import BackupError
    from domain.errors import DomainError
    from infra.database import (
        MissingRoleError,
        SchemaBeforeReleaseError,
        SchemaTooNewError,
    )
    from infra.embedded import EmbeddedServiceError
    from infra.eventstore.store import BusyError
    from infra.keys.master_key import MasterKeyError
    from infra.settings import SettingsError
    from projections.rebuild.errors import EXPECTED
    from workers.sources.recordings.file_format import RecordingError

    expected = (
        *(CommandError, SettingsError, EmbeddedServiceError, SchemaTooNewError),
        *(MissingRoleError, SchemaBeforeReleaseError),
        *(DomainError, BusyError, MasterKeyError, RecordingError, *EXPECTED),
        *(BackupError, psycopg.Error, redis.RedisError, OSError),
    )
    return isinstance(error, expected)
