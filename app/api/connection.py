"""One connection: uvicorn's protocol, with limits, with endings that are heard, without upgrades.

uvicorn reads HTTP with llhttp (httptools). What that leaves to the server is done here, since
no middleware sees it:

- An offer to upgrade (``Upgrade: h2c``, as Java's ``HttpClient`` and ``curl --http2`` make it) is
  ignored, as RFC 9110, section 7.8 allows. llhttp would stop reading there and lose the body.
- A request line with its headers has a size, and a request the time to arrive.
- Trailers are no headers (RFC 9110, section 6.5.1), and are dropped.
- Who is answered before it has sent all is let finish, for a while (RFC 9112, section 9.6):
  closing at once would reset the connection and lose the answer.
- What is no request is refused with a problem document, like all else.

Decision: docs/decisions/0027-connections.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.connections import Connections
from app.api.middleware import new_id
from app.api.problem import HttpError
from app.api.refusal import refusal
from app.errors import ServiceError, UnavailableError

LINGER_BYTES = 64 * 2**20
"""What is read, and dropped, from a client that has its answer and goes on sending."""

SHUTDOWN_LINGER_S = 1.0
"""How long a client may go on sending while the process ends: enough to read its answer."""

_RETRY_AFTER = 1.0


class Connection(HttpToolsProtocol):
    """One client's connection, from its first byte to its last."""

    def __init__(self, *, shared: Connections, **server: Any) -> None:
        super().__init__(**server)
        self.held_bytes = 0
        self._shared = shared
        self.limits = shared.limits
        self._receiving = False
        """Whether a request has begun and has not ended."""
        self._began = self.loop.time()
        """When the last request did, or else the connection."""
        self._head_ended = False
        self._keep_alive = True
        """Whether the connection may go on after the request that arrives, once it is whole."""
        self._unaccounted = 0
        """Bytes that the parser took since it last made something of them."""
        self._deadline: asyncio.TimerHandle | None = None
        self._unread_answer: asyncio.TimerHandle | None = None
        self._last_words: bytes | None = None
        """A refusal that waits for the answers before it."""

    # The transport ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._closing = _GentleTransport(transport, self)
        super().connection_made(cast("asyncio.Transport", self._closing))
        self.flow = _Flow(cast("asyncio.Transport", self._closing), self.pipeline)
        self._shared.waits(self)
        if not self._shared.make_room(self, len(self.connections)):
            error = UnavailableError("too many connections", retry_after=_RETRY_AFTER)
            self._refuse(error)
            return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.works(self)
        self._shared.release(self)
        self.disarm()
        self._closing.ended()
        self._written()
        # uvicorn leaves this timer when the connection was reset.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """End at once: another connection needs the place."""
        self.connections.discard(self)
        self._closing.abort()

    def shutdown(self) -> None:
        """End when what was accepted has been answered; a request that is not whole was not.

        Who has connected and was not heard yet is answered too: its request may be on its way, and
        to close before it arrives would reset the connection.
        """
        unheard = self._receiving or self.cycle is None
        if unheard and not self._closing.is_closing():
            self._refuse(UnavailableError("the service is shutting down", retry_after=_RETRY_AFTER))
        if self._answering:
            self._keep_alive = self.cycle.keep_alive = False
        elif self._closing.is_closing():
            self._closing.limit_time(SHUTDOWN_LINGER_S)
        else:
            self._closing.close_now()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_answer = self.loop.call_later(self.limits.receive_seconds, self._closing.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._written()

    def _written(self) -> None:
        if self._unread_answer is not None:
            self._unread_answer.cancel()
            self._unread_answer = None

    @property
    def unfinished(self) -> bool:
        """Whether the client may still be sending what it began."""
        return self._receiving or self._last_words is not None

    # What arrives ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._closing.is_closing() or self._last_words is not None:
            self._closing.discard(len(data))
            return
        self._unset_keepalive_if_required()
        self._unaccounted += len(data)
        try:
            self._feed(data)
            self._check_unaccounted()
        except ServiceError as error:
            self._refuse(error)
        except httptools.HttpParserError as error:
            self._refuse(_error_of(error))
        else:
            self._expect_more()

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as paused:
                rest = memoryview(rest)[paused.args[0] :]
                self._read_head_again()
            else:
                return

    def _read_head_again(self) -> None:
        """Read the head once more, without its offer to upgrade, with a parser that goes on."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise HttpError(501, "Not implemented", "this service is no proxy: CONNECT is refused")
        head = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        head += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"\r\n".join([*head, b"", b""]))

    def _check_unaccounted(self) -> None:
        # The parser keeps the field that it is at, however long that grows.
        if self._receiving and self._unaccounted > self.limits.header_bytes:
            raise self._head_too_large()

    def _head_too_large(self) -> HttpError:
        most = self.limits.header_bytes
        if len(self.url) > most:
            return HttpError(414, "URI too long", f"the request line exceeds {most} bytes")
        detail = f"the request line and the headers exceed {most} bytes together"
        return HttpError(431, "Request header fields too large", detail)

    # What the parser makes of it -------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.disarm()
        self._receiving = True
        self._began = self.loop.time()
        self._head_ended = False
        self._unaccounted = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_ended:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._check_head()
        self._head_ended = True
        if not self.url.startswith(b"/"):
            self.url = _origin_form(self.url)
        super().on_headers_complete()
        # Whoever is answered before the request is whole is told that the connection ends.
        self._keep_alive, self.cycle.keep_alive = self.cycle.keep_alive, False

    def _check_head(self) -> None:
        size, hosts, coding = len(self.url), 0, b"chunked"
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
            if name == b"transfer-encoding":
                coding = value
        if size > self.limits.header_bytes:
            raise self._head_too_large()
        if hosts != 1 and self.parser.get_http_version() == "1.1":
            raise HttpError(400, "Bad request", f"one Host header is required; there are {hosts}")
        if coding.strip().lower() != b"chunked":
            detail = "the only Transfer-Encoding that is read is chunked"
            raise HttpError(501, "Not implemented", detail)

    def on_body(self, body: bytes) -> None:
        self._unaccounted = 0
        if not self._shared.hold(self, len(body)):
            detail = "too many bodies are being received"
            raise UnavailableError(detail, retry_after=_RETRY_AFTER)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._receiving = False
        self.disarm()
        self.cycle.keep_alive = self._keep_alive
        super().on_message_complete()
        self._shared.works(self)

    def on_response_complete(self) -> None:
        more = bool(self.pipeline)
        super().on_response_complete()
        if more:
            return
        self._shared.release(self)
        if self._last_words is not None and not self._closing.is_closing():
            self._say(self._last_words)
        self._shared.waits(self)

    # Time -------------------------------------------------------------------------------------

    def _expect_more(self) -> None:
        """Give the client its time to send the rest, or a first byte that means something."""
        if self._deadline is None and (self._receiving or not self._answering):
            self._deadline = self.loop.call_later(self.limits.receive_seconds, self._too_slow)

    @property
    def _answering(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.disconnected

    def disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.pipeline:  # reading has been paused: the client cannot send
            self._expect_more()
        elif self._receiving:
            seconds = self.limits.receive_seconds
            detail = f"the request was not sent within {seconds:g} s"
            self._refuse(HttpError(408, "Request timeout", detail))
        elif not self._answering:
            self.transport.close()

    # Refusals ---------------------------------------------------------------------------------

    def _refuse(self, error: ServiceError) -> None:
        """Answer what is no request, after those before it, and end the connection."""
        self.disarm()
        request_id, seconds = new_id(), self.loop.time() - self._began
        self._shared.refused(error, request_id, seconds)
        words = refusal(error, getattr(self, "url", b""), request_id, seconds)
        begun = self._receiving and self._head_ended
        if self.pipeline or (self._answering and not begun):
            if begun:
                self.pipeline.popleft()
            self._last_words = words
            return
        if begun:
            # Its call waits for the body: have it end, and its answer go nowhere.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._say(words)

    def _say(self, words: bytes) -> None:
        self._last_words = words
        self._shared.release(self)
        self.transport.write(words)
        self.transport.close()


class _Flow(FlowControl):
    """Reads nothing more while requests wait for the answers before them.

    uvicorn reads on after each answer, and whenever a route waits for its client to leave, so
    a client that sends faster than it is answered had all its requests in memory.
    """

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class _GentleTransport:
    """A transport whose ``close`` first lets a client finish that is still sending.

    Whatever the client does, the connection has ended when its time is over.
    """

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self.write = transport.write
        self._transport = transport
        self._connection = connection
        self._end: asyncio.TimerHandle | None = None
        self._discarded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._end is not None or self._transport.is_closing()

    def close(self) -> None:
        if not self._connection.unfinished:
            self.close_now()
            return
        self.limit_time(self._connection.limits.receive_seconds)
        self._connection.disarm()
        self._connection.pipeline.clear()
        self._connection.flow.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def close_now(self) -> None:
        """Close when what was written has been sent."""
        self.limit_time(self._connection.limits.receive_seconds)
        self._transport.close()

    def discard(self, size: int) -> None:
        """Drop what came after the end, up to a limit."""
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self._transport.abort()

    def ended(self) -> None:
        if self._end is not None:
            self._end.cancel()

    def limit_time(self, seconds: float) -> None:
        """Abort after that time, unless the end was to come sooner."""
        loop = self._connection.loop
        if self._end is None or self._end.when() > loop.time() + seconds:
            self.ended()
            self._end = loop.call_later(seconds, self._transport.abort)


def _error_of(error: httptools.HttpParserError) -> ServiceError:
    """Return what a callback raised, or else say what the parser met."""
    if isinstance(error.__context__, ServiceError):
        return error.__context__
    return HttpError(400, "Bad request", f"this is not HTTP/1.1: {error.__context__ or error}")


def _origin_form(target: bytes) -> bytes:
    """Return the path and the query of a request target in another form (RFC 9112, 3.2)."""
    if target == b"*":
        return b"/"
    url = httptools.parse_url(target)
    return (url.path or b"/") + (b"?" + url.query if url.query else b"")
