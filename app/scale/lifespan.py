"""The start and the end of the service as Ray Serve means them.

Serve sends calls to a replica once the start-up of its application is complete, and takes the
replica away once the shut-down is. The service itself is up before its models are loaded, so that
probes can be answered, and drains when it gets a signal, which a replica never gets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ReplicaLifespan:
    """Completes the start-up when the models are warm, and drains before the shut-down.

    Args:
        app: the service.
        started: waits until the models are warm, or known not to load.
        drain: finishes what was accepted.
    """

    def __init__(
        self,
        app: ASGIApp,
        started: Callable[[], Awaitable[object]],
        drain: Callable[[], Awaitable[object]],
    ) -> None:
        self.app = app
        self._started = started
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def receive_and_drain() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._drain()
            return message

        async def send_when_warm(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._started()
            await send(message)

        await self.app(scope, receive_and_drain, send_when_warm)
