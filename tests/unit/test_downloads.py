# SPDX-License-Identifier: BSD-2-Clause
"""Downloads: hashes, mirrors, redirects, time-outs, the cache, offline."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import hashlib
import io
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from local_mirror import Handler, Mirror, file, hang, in_turn, redirect, status
from netmap_build import errors, network
from netmap_build.downloads import Download, Patience, Report, Store, fetch, progress
from netmap_build.errors import BuildError

BODY = bytes(range(256)) * 1024  # four pieces of the transfer
OTHER = BODY[:-1] + b"!"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def dead_port() -> int:
    """A port of the loopback where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Told(Report):
    """What a report was told."""

    lines: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def begin(self, name: str, size: int) -> None:
        self.begun.append(name)


@dataclass
class Desk:
    """fetch() with a cache of its own, and a clock that only notes the waits."""

    root: Path
    told: Told = field(default_factory=Told)
    waits: list[float] = field(default_factory=list)
    patience: Patience = Patience()

    def __call__(self, *items: Download, offline: bool = False, **patience: float) -> list[Path]:
        found = fetch(
            items,
            cache_root=self.root,
            offline=offline,
            report=self.told,
            patience=replace(self.patience, wait=self.waits.append, **patience),  # type: ignore[arg-type]
        )
        return [found[item.name] for item in items]

    @property
    def store(self) -> Store:
        return Store(self.root / "downloads")

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.root.glob("downloads/partial/*"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "cache")


def item(*urls: str, body: bytes = BODY, name: str = "driver.tar.gz", size: int = 0) -> Download:
    return Download(name, urls, sha256=sha256(body), size=size)


def test_a_download_is_verified_cached_by_its_hash_and_read_only(
    mirror: Mirror, desk: Desk
) -> None:
    mirror.routes["/f"] = file(BODY)
    [path] = desk(item(mirror.url("/f")))
    assert path == desk.root / "downloads/sha256" / sha256(BODY)[:2] / sha256(BODY)
    assert path.read_bytes() == BODY
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert desk.leftovers() == []


def test_what_is_cached_is_taken_without_a_request_or_a_word(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    first = desk(item(mirror.url("/f")))
    desk.told = Told()
    assert desk(item(mirror.url("/f"))) == first
    assert mirror.hits("/f") == 1
    assert desk.told == Told()


def test_bytes_arrive_as_the_server_stores_them(mirror: Mirror, desk: Desk) -> None:
    """Some servers call a .tar.gz gzip-encoded; undoing that would change its hash."""
    body = gzip.compress(BODY)

    def encoded(handler: Handler) -> None:
        assert handler.headers["Accept-Encoding"] == "identity"
        handler.head(200, Content_Encoding="gzip", Content_Length=str(len(body)))
        handler.wfile.write(body)

    mirror.routes["/f"] = encoded
    [path] = desk(item(mirror.url("/f"), body=body))
    assert path.read_bytes() == body


def test_a_changed_file_is_refused_and_the_next_mirror_asked(mirror: Mirror, desk: Desk) -> None:
    mirror.routes |= {"/bad": file(OTHER), "/good": file(BODY)}
    [path] = desk(item(mirror.url("/bad"), mirror.url("/good")))
    assert path.read_bytes() == BODY
    [line] = desk.told.lines
    assert mirror.url("/bad") in line
    assert f"expected sha256 {sha256(BODY)}, found {sha256(OTHER)}" in line


def test_a_file_changed_everywhere_leaves_nothing_behind(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/bad"] = file(OTHER)
    with pytest.raises(BuildError) as caught:
        desk(item(mirror.url("/bad")))
    assert sha256(OTHER) in caught.value.message
    assert desk.leftovers() == []
    assert desk.store.kept() == []
    assert mirror.hits("/bad") == 1


def test_an_empty_answer_has_another_hash(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = status(200)
    with pytest.raises(BuildError, match=f"expected sha256 .*, found {sha256(b'')}"):
        desk(item(mirror.url("/f")))
    assert desk(item(mirror.url("/f"), body=b""))[0].read_bytes() == b""


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (status(404), "it answers 404"),
        (status(403), "it answers 403"),
        (status(500), "it answers 500"),
        (lambda handler: None, "the connection was cut"),
        (redirect("ftp://127.0.0.1/f"), "it redirects from http to ftp://127.0.0.1/f"),
        (redirect("file:///etc/passwd"), "it redirects from http to file:///etc/passwd"),
        (redirect("/f"), "it redirects in a circle"),
        (file(BODY + b"!"), "bytes there, not"),
        (file(BODY[:-1]), "bytes there, not"),
    ],
)
def test_a_mirror_that_fails_hands_over_to_the_next(
    mirror: Mirror, desk: Desk, tmp_path: Path, route: Callable[[Handler], None], reason: str
) -> None:
    (tmp_path / "good").write_bytes(BODY)
    mirror.routes["/f"] = route
    [path] = desk(item(mirror.url("/f"), f"file://{tmp_path}/good", size=len(BODY)))
    assert path.read_bytes() == BODY
    [line] = desk.told.lines
    assert reason in line


def test_dead_mirrors_are_all_named_with_their_reasons(mirror: Mirror, desk: Desk) -> None:
    port = dead_port()
    urls = (
        f"http://127.0.0.1:{port}/f",
        f"https://127.0.0.1:{mirror.port}/f",
        "file:///nowhere/f",
        "file://nowhere/f",
    )
    with pytest.raises(BuildError) as caught:
        desk(item(*urls))
    lines = caught.value.message.splitlines()
    assert lines[0] == "driver.tar.gz could not be fetched:"
    assert lines[1].endswith(f"{urls[0]}: connection refused")
    assert "TLS failed" in lines[2]
    assert lines[3].endswith("there is no such file")
    assert "this machine only" in lines[4]
    assert "type the same again" in caught.value.hint
    assert desk.waits == []  # none of these passes by waiting


def test_a_password_in_a_url_is_not_shown(desk: Desk) -> None:
    with pytest.raises(BuildError) as caught:
        desk(item(f"http://me:secret@127.0.0.1:{dead_port()}/f"))
    assert "secret" not in caught.value.message + "".join(desk.told.lines)


def test_a_busy_server_is_asked_again_after_the_time_it_names(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = in_turn(status(503, Retry_After="7"), status(429), file(BODY))
    [path] = desk(item(mirror.url("/f")))
    assert path.read_bytes() == BODY
    assert desk.waits == [7, 2]


def test_a_date_to_wait_for_is_understood(mirror: Mirror, desk: Desk) -> None:
    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    mirror.routes["/f"] = status(503, Retry_After=later)
    with pytest.raises(BuildError, match=r"answers 503, and asks to wait 3\d\d\d s"):
        desk(item(mirror.url("/f")))
    assert desk.waits == []  # longer than anyone waits here
    assert mirror.hits("/f") == 1


def test_retries_end(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = status(500)
    with pytest.raises(BuildError, match="it answers 500"):
        desk(item(mirror.url("/f")))
    assert mirror.hits("/f") == 3
    assert desk.waits == [1, 2]


def test_a_server_that_says_nothing_is_left(mirror: Mirror, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(BODY)
    mirror.routes["/f"] = hang()
    desk(item(mirror.url("/f"), f"file://{tmp_path}/good"), read=0.05)
    assert "no data for 0.05 s" in desk.told.lines[0]


def test_a_server_that_stops_in_the_middle_is_left(
    mirror: Mirror, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "good").write_bytes(BODY)
    mirror.routes["/f"] = hang(BODY, 1000, etag="")
    desk(item(mirror.url("/f"), f"file://{tmp_path}/good"), read=0.05)
    assert "no data for 0.05 s" in desk.told.lines[0]


def test_a_server_that_drips_is_left(mirror: Mirror, desk: Desk, tmp_path: Path) -> None:
    """By a clock that moves 100 seconds while the first piece arrives."""
    (tmp_path / "good").write_bytes(BODY[:1000])
    mirror.routes["/f"] = file(BODY[:1000], etag="")
    ticks = iter([0, 100])
    desk.patience = Patience(clock=lambda: next(ticks, 100))
    [path] = desk(item(mirror.url("/f"), f"file://{tmp_path}/good", body=BODY[:1000]))
    assert path.read_bytes() == BODY[:1000]
    assert "it sends less than 1000 bytes a second" in desk.told.lines[0]


def test_a_large_file_may_take_long(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    ticks = iter(range(0, 1_000_000, 31))
    desk.patience = Patience(clock=lambda: next(ticks), slowest=0)
    [path] = desk(item(mirror.url("/f")))
    assert path.read_bytes() == BODY


def test_redirects_are_followed(mirror: Mirror, desk: Desk) -> None:
    mirror.routes |= {"/a": redirect("/b", 301), "/b": redirect(mirror.url("/c"), 307)}
    mirror.routes["/c"] = file(BODY)
    [path] = desk(item(mirror.url("/a")))
    assert path.read_bytes() == BODY


def test_redirects_are_bounded(mirror: Mirror, desk: Desk) -> None:
    mirror.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(50)}
    with pytest.raises(BuildError, match="redirects more than 10 times"):
        desk(item(mirror.url("/0")))
    assert len(mirror.asked) == 11


def test_https_never_becomes_http(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is answered by hand: the certificate of a local https server is unknown."""
    import requests
    from netmap_build.downloads import transfer
    from netmap_build.downloads.partial import Partial

    def get(self: requests.Session, url: str, **_: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 302
        answer.headers["Location"] = mirror.url("/f")
        answer.raw = io.BytesIO()
        return answer

    monkeypatch.setattr(requests.Session, "get", get)
    one = transfer.Transfer(
        "f", "https://example.org/f", Partial(Path("/nowhere")), 0, 9, Patience(), lambda a, b: None
    )
    with pytest.raises(transfer.FailedError, match="redirects from https to http://127"):
        one.run()
    assert mirror.asked == []


def test_the_proxy_of_the_environment_is_used(
    mirror: Mirror, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", mirror.url(""))
    mirror.routes["http://nowhere.invalid/f"] = file(BODY)
    [path] = desk(item("http://nowhere.invalid/f"))
    assert path.read_bytes() == BODY


def test_more_than_was_announced_is_stopped(mirror: Mirror, desk: Desk) -> None:
    def endless(handler: Handler) -> None:
        handler.head(200, ETag='"one"')
        try:
            while True:
                handler.wfile.write(BODY)
        except OSError:
            return

    mirror.routes["/f"] = endless
    with pytest.raises(BuildError, match=f"it sends more than {len(BODY)} bytes"):
        desk(item(mirror.url("/f"), size=len(BODY)))
    assert desk.leftovers() == []


def test_a_damaged_cache_entry_is_fetched_again(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    wanted = item(mirror.url("/f"))
    [path] = desk(wanted)
    path.chmod(0o644)
    path.write_bytes(OTHER)
    assert desk(wanted) == [path]
    assert path.read_bytes() == BODY
    assert desk.told.lines == ["the cached driver.tar.gz is damaged: fetching it again"]
    path.chmod(0o644)
    os.truncate(path, 10)
    assert desk(wanted)[0].read_bytes() == BODY


def test_one_that_fails_stops_no_other_and_all_are_reported(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    bad = [item(mirror.url(f"/none{n}"), body=b"%d" % n, name=f"bad{n}") for n in range(3)]
    with pytest.raises(BuildError) as caught:
        desk(*bad[:2], item(mirror.url("/f")), bad[2])
    for one in bad:
        assert f"{one.name} could not be fetched" in caught.value.message
    assert "driver.tar.gz" not in caught.value.message
    assert desk.store.find(item(mirror.url("/f"))) is not None


def test_several_are_fetched_at_once(mirror: Mirror, desk: Desk) -> None:
    """Each answer waits until all three requests are there."""
    together = threading.Barrier(3, timeout=30)

    def served(body: bytes) -> Callable[[Handler], None]:
        def answer(handler: Handler) -> None:
            together.wait()
            file(body)(handler)

        return answer

    items = []
    for n in range(3):
        mirror.routes[f"/{n}"] = served(b"%d" % n)
        items.append(item(mirror.url(f"/{n}"), body=b"%d" % n, name=f"f{n}"))
    assert [path.read_bytes() for path in desk(*items)] == [b"0", b"1", b"2"]


def test_two_names_for_one_file_are_one_download(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    first, second = desk(item(mirror.url("/f"), name="a"), item(mirror.url("/f"), name="b"))
    assert first == second
    assert mirror.hits("/f") == 1


def test_offline_asks_nobody_and_lists_what_is_missing(mirror: Mirror, desk: Desk) -> None:
    mirror.routes |= {"/f": file(BODY), "/g": file(OTHER)}
    have = item(mirror.url("/f"))
    desk(have)
    missing = item(mirror.url("/g"), body=OTHER, name="other.zip")
    with pytest.raises(BuildError) as caught:
        desk(have, missing, offline=True)
    assert caught.value.message == "offline, and not in the cache: other.zip"
    assert caught.value.hint == "type: ./sconsw fetch"
    assert mirror.hits("/g") == 0
    assert desk(have, offline=True)[0].read_bytes() == BODY


def test_offline_on_the_command_line_counts_too(
    mirror: Mirror, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    with pytest.raises(BuildError, match="offline, and not in the cache: driver"):
        desk(item(mirror.url("/f")))
    assert mirror.asked == []


@pytest.mark.parametrize(
    ("urls", "hashes", "why"),
    [
        (("ftp://a/f",), {"sha256": "0" * 64}, "none of http, https, file"),
        (("/a/f",), {"sha256": "0" * 64}, "none of http, https, file"),
        (("http://a/f",), {"sha256": "0" * 63}, "no SHA-256"),
        (("http://a/f",), {"sha256": "../" + "0" * 61}, "no SHA-256"),
        (("http://a/f",), {}, "needs a sha256 or a tree-sha256"),
        (("http://a/f",), {"sha256": "0" * 64, "tree_sha256": "0" * 64}, "not both"),
        ((), {"sha256": "0" * 64}, "no URL"),
    ],
)
def test_a_pin_that_makes_no_sense_is_refused(
    urls: tuple[str, ...], hashes: dict[str, str], why: str
) -> None:
    with pytest.raises(BuildError, match=why):
        Download("f", urls, **hashes)  # type: ignore[arg-type]


def test_the_cache_lists_and_prunes_what_was_not_used(mirror: Mirror, desk: Desk) -> None:
    mirror.routes |= {"/f": file(BODY), "/g": file(OTHER)}
    old, new = desk(item(mirror.url("/f")), item(mirror.url("/g"), body=OTHER, name="new"))
    os.utime(old, (0, 0))
    assert [(kept.path, kept.size) for kept in desk.store.kept()] == [
        (old, len(BODY)),
        (new, len(OTHER)),
    ]
    assert desk.store.prune(days=30) == len(BODY)
    assert [kept.path for kept in desk.store.kept()] == [new]


def test_using_an_entry_keeps_it_from_being_pruned(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    [path] = desk(item(mirror.url("/f")))
    os.utime(path, (0, 0))
    desk(item(mirror.url("/f")))
    assert desk.store.prune(days=30) == 0


def test_without_a_terminal_there_is_one_line_a_download(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.routes["/f"] = file(BODY)
    wanted = item(mirror.url("/f"), size=len(BODY))
    fetch([wanted], cache_root=tmp_path)
    assert capsys.readouterr().out == "netmap: fetching driver.tar.gz: 0.3 MB\n"
    fetch([wanted], cache_root=tmp_path)
    assert capsys.readouterr().out == ""


def test_a_terminal_shows_progress_and_is_left_as_it_was(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.routes["/f"] = file(BODY)
    ours, theirs = os.openpty()
    pieces: list[bytes] = []

    def watch() -> None:
        with contextlib.suppress(OSError):  # how the end of a terminal shows
            while piece := os.read(ours, 4096):
                pieces.append(piece)

    watcher = threading.Thread(target=watch)
    watcher.start()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        urls = (mirror.url("/[none]"), mirror.url("/f"))
        fetch([item(*urls)], cache_root=tmp_path)
    watcher.join(30)
    os.close(ours)
    shown = b"".join(pieces).decode()
    assert "driver.tar.gz" in shown
    assert "/[none]: it answers 404" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def test_bars_for_nothing_are_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    bars = progress.Bars()
    bars.line("a line")
    bars.close()
    assert capsys.readouterr().out == "netmap: a line\n"


def test_an_error_is_printed_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError) as caught:
        fetch(
            [item("file:///nowhere/f"), item("file:///nowhere/g", body=OTHER, name="g")],
            cache_root=Path("/nonexistent"),
            offline=True,
        )
    errors.report(caught.value)
    assert capsys.readouterr().err == (
        "netmap: offline, and not in the cache: driver.tar.gz, g\n        type: ./sconsw fetch\n"
    )
