"""Threads that decode the same new type at the same moment."""

import subprocess
import sys

# An interpreter of its own, because msgspec before 0.23 crashed here: one thread read
# the fields of a type while another one was still preparing them.
_PROGRAM = """
import sys
from threading import Barrier, Thread
from typing import Annotated, Literal

from msgspec import Meta, Struct, convert

sys.setswitchinterval(1e-6)


def decode_a_new_type():
    class Inner(Struct):
        status: Literal["new", "old"]
        amounts: dict[str, list[int]]

    class Outer(Struct):
        inner: Inner
        number: Annotated[int, Meta(ge=1)]
        status: Literal["new", "old"]

    start = Barrier(4)
    raw = {"inner": {"status": "new", "amounts": {}}, "number": 3, "status": "old"}

    def decode():
        start.wait()
        right.append(convert(raw, Outer).inner.status == "new")

    threads = [Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


right = []
for _ in range(500):
    decode_a_new_type()
print(sum(right))
"""


def test_threads_may_decode_a_new_type_at_the_same_moment():
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "2000\n", "")
