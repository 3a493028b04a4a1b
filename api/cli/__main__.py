"""``python -m api.cli``: the same as ``goatherd``."""

import sys

from api.cli import main

sys.exit(main())
