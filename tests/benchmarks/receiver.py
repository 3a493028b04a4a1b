"""A receiver of webhooks in a process of its own: it answers 204 and notes delays.

A GET answers with the milliseconds from the recording of each event to its receipt, and
forgets them.
"""

import asyncio
import json
import sys
import time
from datetime import datetime

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_delays: list[float] = []


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET"):
                text = json.dumps(_delays).encode()
                _delays.clear()
                size = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(size.encode() + text)
                continue
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            body = await reader.readexactly(int(length))
            now = time.time()
            recorded_at = json.loads(body).get("recorded_at")
            at = datetime.fromisoformat(recorded_at).timestamp()
            _delays.append(1_000 * (now - at))
            writer.write(_TAKEN)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
