"""Print the OpenAPI document: ``python -m api.print_openapi``."""

import sys

import msgspec

from api.main import assemble
from api.openapi.document import document
from infra.build import version
from infra.settings import Settings

# The application is only read: it connects to nothing before it is started.
_app = assemble(Settings(database_url="postgresql://nowhere", secret="-" * 32))
_document = document(_app, version=version())
_written = msgspec.json.format(msgspec.json.encode(_document), indent=2)
sys.stdout.write(f"{_written.decode()}\n")
