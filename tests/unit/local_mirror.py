# SPDX-License-Identifier: BSD-2-Clause
"""A real HTTP server on the loopback that behaves, or misbehaves, as a test asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Route = Callable[["Handler"], None]


@dataclass
class Mirror:
    """What is served under which path, and what was asked for."""

    port: int = 0
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def hits(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)

    def ranges(self, path: str) -> list[str]:
        """The Range header of each request for a path, empty where there was none."""
        return [headers.get("Range", "") for asked, headers in self.asked if asked == path]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    mirror: Mirror

    def do_GET(self) -> None:
        self.mirror.asked.append((self.path, dict(self.headers.items())))
        self.mirror.routes.get(self.path, status(404))(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what they want from Mirror.asked."""

    def head(self, code: int, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def start() -> tuple[Mirror, ThreadingHTTPServer]:
    """A server on a free port; the caller ends it with stop()."""
    mirror = Mirror()
    handler = type("Bound", (Handler,), {"mirror": mirror})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    mirror.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return mirror, server


def stop(mirror: Mirror, server: ThreadingHTTPServer) -> None:
    mirror.released.set()
    server.shutdown()
    server.server_close()


def status(code: int, **headers: str) -> Route:
    """An answer without a body."""
    return lambda handler: handler.head(code, Content_Length="0", **headers)


def redirect(to: str, code: int = 302) -> Route:
    return status(code, Location=to)


def file(body: bytes, etag: str = '"one"', modified: str = "", ranges: bool = True) -> Route:
    """A file as a good server sends it."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        fits = handler.headers.get("If-Range") in (etag, modified)
        if asked and fits and ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                handler.head(416, Content_Range=f"bytes */{len(body)}")
                return
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            rest = body[start:]
            handler.head(
                206, ETag=etag, Content_Range=span, Content_Length=str(len(rest)), X=modified
            )
            handler.wfile.write(rest)
            return
        handler.head(200, ETag=etag, Last_Modified=modified, Content_Length=str(len(body)))
        handler.wfile.write(body)

    return answer


def cut(body: bytes, after: int, etag: str = '"one"', modified: str = "") -> Route:
    """Announce the whole file, send some of it, and hang up."""

    def answer(handler: Handler) -> None:
        handler.head(200, ETag=etag, Last_Modified=modified, Content_Length=str(len(body)))
        handler.wfile.write(body[:after])

    return answer


def hang(body: bytes = b"", after: int = 0, etag: str = '"one"') -> Route:
    """Send some of it, and then nothing until the test is over."""

    def answer(handler: Handler) -> None:
        if body:
            handler.head(200, ETag=etag, Content_Length=str(len(body)))
            handler.wfile.write(body[:after])
            handler.wfile.flush()
        handler.mirror.released.wait(60)

    return answer


def in_turn(*routes: Route) -> Route:
    """Another answer each time; the last one stays."""
    ahead = list(routes)
    return lambda handler: (ahead.pop(0) if len(ahead) > 1 else ahead[0])(handler)
