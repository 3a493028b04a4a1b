"""Runs the pretended TikTok, with FD, DAYS, FOLDER and URL as its arguments.

``goatherd up --fake-tiktok`` starts it with a listening socket.
"""

import signal
import socket
import sys
import threading
from pathlib import Path

from infra.settings import PRETENDED_CLIENT_KEY
from tests.tools.fake_tiktok.accounts import demo_accounts
from tests.tools.fake_tiktok.consents import FakeApp, FakeConsents
from tests.tools.fake_tiktok.server import FakeTikTok

# The app that the pretended TikTok knows. No other server accepts these.
CLIENT_KEY, CLIENT_SECRET = PRETENDED_CLIENT_KEY, "fake-client-secret"
STATE_FILE = "fake-tiktok.json"


def main(descriptor: str, days: str, folder: str, redirect_url: str) -> None:
    """Answer until SIGINT or SIGTERM."""
    app = FakeApp(
        client_key=CLIENT_KEY, client_secret=CLIENT_SECRET, redirect_url=redirect_url
    )
    tiktok = FakeTikTok(
        demo_accounts(days=int(days)),
        FakeConsents(app, file=Path(folder) / STATE_FILE),
        socket.socket(fileno=int(descriptor)),
    )

    def stop(*_: object) -> None:
        # The loop to end runs in this thread.
        threading.Thread(target=tiktok.close, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    tiktok.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
