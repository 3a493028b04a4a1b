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
# The main thread runs no handler during the call, as just before a system call.
_IS_IN_A_CALL = """
import hashlib, threading
from api.cli.up.signals import StopSignals
signals = StopSignals()
done = threading.Event()
def waits():
    came = signals.wait(100)
    print(came, done.is_set(), flush=True)
threading.Thread(target=waits).start()
threading.Timer(1, lambda: print("ready", flush=True)).start()
hashlib.pbkdf2_hmac("sha512", b"goat", b"hay", 20_000_000)
done.set()
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


def test_a_wait_hears_of_a_signal_whose_handler_cannot_run_yet():
    with subprocess.Popen(
        [sys.executable, "-c", _IS_IN_A_CALL], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        process.terminate()

        assert process.stdout.readline() == "True False\n"
        process.kill()
