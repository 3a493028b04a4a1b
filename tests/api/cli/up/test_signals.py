"""The signals that stop ``goatherd up``."""

import signal
import subprocess
import sys

_WAITS = """
from api.cli.up.signals import StopSignals
signals = StopSignals()
print("ready", flush=True)
print(signals.wait(100))
"""


def test_signals_that_the_parent_blocks_stop_it_as_well():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _WAITS], stdout=subprocess.PIPE, text=True
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        process.terminate()

        assert process.stdout.readline() == "True\n"
