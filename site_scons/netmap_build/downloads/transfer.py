# SPDX-License-Identifier: BSD-2-Clause
"""One URL into a partial file: HTTP with redirects and continuation, and file:."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from .. import space
from .item import shown
from .partial import Note, Partial

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
MOST_REDIRECTS = 10
PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses that another try may not meet


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to try."""

    connect: float = 15.0  # seconds until a server must have answered a connection
    read: float = 30.0  # ... and between two pieces of data
    slowest: float = 1000.0  # bytes a second, over any such time
    rounds: int = 3  # times over all mirrors
    pause: float = 1.0  # before the second round; doubled before each further one
    longest: float = 30.0  # no wait is longer, whatever a server asks for
    resumptions: int = 20  # of one transfer that is cut again and again, but moves on
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic


class FailedError(Exception):
    """Why one mirror did not give the file; passing: it may next time."""

    def __init__(self, reason: str, *, passing: bool = False, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.after = after  # seconds that the server asks to wait


@dataclass
class Pace:
    """A server may be slow, but not so slow that nobody sees an end."""

    patience: Patience
    since: float
    before: int  # bytes that were there then

    def check(self, done: int) -> None:
        passed = self.patience.clock() - self.since
        if passed <= self.patience.read:
            return
        if done - self.before < self.patience.slowest * passed:
            raise FailedError(
                f"it sends less than {self.patience.slowest:g} bytes a second", passing=True
            )
        self.since += passed
        self.before = done


@dataclass(frozen=True)
class Transfer:
    """What to bring where."""

    name: str
    url: str
    partial: Partial
    size: int  # exact, or 0
    limit: int
    patience: Patience
    moved: Callable[[int, int], None]  # bytes there, bytes in all or 0

    def announced(self, total: int) -> None:
        """Refuse a wrong size before it is downloaded, and a disk that cannot hold it."""
        if self.size and total and total != self.size:
            raise FailedError(f"it has {total} bytes there, not {self.size}")
        if total > self.limit:
            raise FailedError(f"it has {total} bytes there; no more than {self.limit} are accepted")
        ahead = (self.size or total) - self.partial.size
        space.need(self.name, self.partial.path.parent, ahead)

    def receive(self, pieces: Iterator[bytes], total: int) -> None:
        """Append what comes, up to the limit, and not more slowly than patience lasts."""
        done = self.partial.size
        pace = Pace(self.patience, self.patience.clock(), done)
        for piece in pieces:
            done += len(piece)
            if done > (total or self.limit) or done > self.limit:
                self.partial.discard()
                raise FailedError(f"it sends more than {total or self.limit} bytes")
            try:
                self.partial.append(piece)
            except OSError:
                self.partial.discard()  # a disk that is full, or broken, is not for half a file
                raise
            self.moved(done, total or self.size)
            pace.check(done)
        wanted = total or self.size
        if done < wanted:
            raise FailedError(f"the transfer ended after {done} of {wanted} bytes", passing=True)

    def run(self) -> None:
        """Complete the partial file, or raise FailedError."""
        if urlsplit(self.url).scheme == "file":
            from_file(self)
        else:
            from_http(self)


def from_file(transfer: Transfer) -> None:
    """Copy a file of this machine."""
    parts = urlsplit(transfer.url)
    source = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost"):
        raise FailedError(f"file: with the host {parts.netloc}; it means this machine only")
    if not source.is_file():
        raise FailedError("there is no such file")
    try:
        handle = source.open("rb")
    except OSError as error:
        raise FailedError(error.strerror or str(error)) from None
    with handle:
        total = source.stat().st_size
        transfer.announced(total)
        transfer.partial.begin(Note(transfer.url, "", total))
        transfer.receive(iter(lambda: handle.read(CHUNK), b""), total)


def from_http(transfer: Transfer) -> None:
    """Download, continuing what is there if the server still has the same file."""
    import requests

    with requests.Session() as session, network(transfer.patience):
        partial = transfer.partial
        note = partial.resumable(transfer.url)
        if note and note.total and partial.size == note.total:
            return  # complete, only not verified yet
        with ask(session, transfer, note) as response:
            if response.status_code == 416 and note:
                partial.discard()
            else:
                accept(transfer, note, response)
                return
        with ask(session, transfer, None) as response:
            accept(transfer, None, response)


def ask(session: requests.Session, transfer: Transfer, note: Note | None) -> requests.Response:
    """GET, following redirects by hand: few, never to a weaker scheme."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "netmap-build"}
    if note:
        headers["Range"] = f"bytes={transfer.partial.size}-"
        headers["If-Range"] = note.validator
    patience = transfer.patience
    url = transfer.url
    seen = {url}
    while True:
        response = session.get(
            url,
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=(patience.connect, patience.read),
        )
        if not response.is_redirect:
            return response
        response.close()
        onward = urljoin(url, response.headers["Location"])
        before, after = urlsplit(url).scheme, urlsplit(onward).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise FailedError(f"it redirects from {before} to {shown(onward)}")
        if onward in seen:
            raise FailedError(f"it redirects in a circle, back to {shown(onward)}")
        if len(seen) > MOST_REDIRECTS:
            raise FailedError(f"it redirects more than {MOST_REDIRECTS} times")
        seen.add(onward)
        url = onward


def accept(transfer: Transfer, note: Note | None, response: requests.Response) -> None:
    """Take the body of an answer, from the start or from where we are."""
    status = response.status_code
    if status in PASSING:
        after = seconds(response.headers.get("Retry-After", ""))
        patient = after <= transfer.patience.longest
        asks = "" if patient else f", and asks to wait {after:.0f} s"
        raise FailedError(f"it answers {status}{asks}", passing=patient, after=after)
    if status == 206 and note:
        total = continued(transfer.partial, note, response)
        transfer.announced(total)
    elif status == 200:
        total = length(response)
        transfer.announced(total)
        transfer.partial.begin(Note(transfer.url, validator(response), total))
    else:
        raise FailedError(f"it answers {status}")
    raw = response.raw
    transfer.receive(iter(lambda: raw.read1(CHUNK, decode_content=False) or b"", b""), total)


def continued(partial: Partial, note: Note, response: requests.Response) -> int:
    """Check that a 206 goes on where we stopped, in the same file; returns the whole size."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, whole = rest.partition("/")
    start = span.partition("-")[0]
    total = int(whole) if whole.isdecimal() else note.total
    tag = response.headers.get("ETag", "")
    changed = (tag and note.validator.startswith('"') and tag != note.validator) or (
        note.total and total != note.total
    )
    if unit != "bytes" or start != str(partial.size) or changed:
        partial.discard()
        raise FailedError("it sent another part than was asked for", passing=True)
    return total


def validator(response: requests.Response) -> str:
    """What If-Range may name: a strong ETag, or a date."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def length(response: requests.Response) -> int:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else 0


def seconds(text: str) -> float:
    """Retry-After: seconds, or a date."""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


@contextmanager
def network(patience: Patience) -> Iterator[None]:
    """The many exceptions of HTTP, as the reason that a person can use."""
    import requests
    import urllib3

    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise FailedError(f"TLS failed: {root_cause(error)}") from None
    except requests.exceptions.ConnectTimeout:
        raise FailedError(f"no connection within {patience.connect:g} s", passing=True) from None
    except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        raise FailedError(f"no data for {patience.read:g} s", passing=True) from None
    except requests.exceptions.ProxyError as error:
        raise FailedError(f"the proxy failed: {root_cause(error)}") from None
    except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError) as error:
        dead = is_dead(error)
        reason = root_cause(error) if dead else f"the connection was cut ({root_cause(error)})"
        raise FailedError(reason, passing=not dead) from None
    except requests.exceptions.RequestException as error:
        raise FailedError(str(error)) from None


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions inside an exception, outermost first."""
    ahead: list[BaseException] = [error]
    seen: set[int] = set()
    while ahead:
        one = ahead.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        ahead += [other for other in inner if isinstance(other, BaseException)]


def is_dead(error: BaseException) -> bool:
    """No connection at all, which does not pass within seconds."""
    import urllib3

    return any(isinstance(one, urllib3.exceptions.NewConnectionError) for one in causes(error))


def root_cause(error: BaseException) -> str:
    """What the system said, else the first words of the exception."""
    import urllib3

    for one in causes(error):
        if isinstance(one, urllib3.exceptions.IncompleteRead) and one.expected:
            return f"{one.expected} bytes are missing"
        if isinstance(one, OSError) and one.strerror:
            return one.strerror.lower()
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
