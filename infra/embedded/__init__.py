"""Embedded services: the PostgreSQL and Valkey that ``goatherd up`` runs by itself.

Their programs come from wheels or from PATH. Only this package knows their places, and
how a server is started, found again after a crash, and stopped.
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
