"""A web server for one person at this machine.

It listens on 127.0.0.1 alone, answers only below a path that nobody can guess, and only to
requests that name this address as their host (other pages in the same browser cannot reach it
by a name of their own). Its pages may load nothing from anywhere else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: larger requests are not read
MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: the content, its type, and how it went."""

    content: bytes
    kind: str = "application/json"
    status: HTTPStatus = HTTPStatus.OK

    @classmethod
    def json(cls, data: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
        """Plain data as JSON."""
        return cls(json.dumps(data, ensure_ascii=False).encode(), status=status)


NOT_FOUND = Answer(b"not found", "text/plain", HTTPStatus.NOT_FOUND)
FORBIDDEN = Answer(b"forbidden", "text/plain", HTTPStatus.FORBIDDEN)

#: answers a request below the secret path: method, path without slashes around it, and data
Answers = Callable[[str, str, Any], Answer]


class LocalServer:
    """Serves ``answers`` to this machine; use it in a ``with`` statement.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, answers: Answers, port: int = 0) -> None:
        self._token = secrets.token_urlsafe(24)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(answers, self._token))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The secret address of the first page."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._token}/"

    def serve(self) -> None:
        """Answer until ``stop`` or Ctrl-C."""
        try:
            self._server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            return

    def stop(self) -> None:
        """End :meth:`serve`, from another thread."""
        self._server.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.server_close()


def _handler(answers: Answers, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "hwdigitize", ""
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET", None)

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            kind = self.headers.get("Content-Type", "").partition(";")[0]
            if not length.isdigit() or int(length) > MOST_BYTES or kind != "application/json":
                self.close_connection = True
                self._send(FORBIDDEN)
                return
            try:
                data = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                self._send(Answer(b"not JSON", "text/plain", HTTPStatus.BAD_REQUEST))
                return
            self._answer("POST", data)

        def _answer(self, method: str, data: Any) -> None:
            path = unquote(self.path.partition("?")[0])
            head, _, rest = path.removeprefix("/").partition("/")
            if not self._is_own():
                self._send(FORBIDDEN)
            elif not secrets.compare_digest(head.encode(), token.encode()):
                self._send(NOT_FOUND)
            else:
                self._send(answers(method, rest.strip("/"), data))

        def _is_own(self) -> bool:
            """Whether the request names this server, and comes from its own page."""
            assert isinstance(self.server, ThreadingHTTPServer)
            port = self.server.server_port
            hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
            origin = self.headers.get("Origin")
            own = origin is None or origin.removeprefix("http://") in hosts
            return self.headers.get("Host", "") in hosts and own

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(answer.content)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing; the address is secret."""

    return Handler
