"""The list of all operations that can be called."""

from msgspec import Struct

from api.cli.kit.options import Json
from api.cli.kit.output import print_list
from api.cli.operations.clients import whole_app
from api.operations import operations_of
from infra.settings import Settings


class OperationRow(Struct, frozen=True, kw_only=True):
    """One row of the list."""

    operation: str
    method: str
    path: str
    does: str


def list_operations(*, json: Json = False) -> None:
    """List the operations; ``goatherd call OPERATION --help`` shows the options."""
    print_list(
        [
            OperationRow(
                operation=each.id,
                method=each.method,
                path=each.path,
                does=each.summary,
            )
            for each in operations_of(whole_app(Settings()))
        ],
        "operation method path does",
        json=json,
    )
