"""HEAD requests, which are answered as GET without the body."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPDisconnectEvent, ReceiveMessage


class HeadAsGet:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        scope["method"] = "GET"
        has_ended = False

        async def send_head(message: Message) -> None:
            nonlocal has_ended
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body" and not has_ended:
                has_ended = True
                # The answer of a stream is cut, too: it would never end.
                await send({**message, "body": b"", "more_body": False})

        async def receive_until_sent() -> ReceiveMessage:
            if has_ended:
                return HTTPDisconnectEvent(type="http.disconnect")
            return await receive()

        await self._app(scope, receive_until_sent, send_head)
