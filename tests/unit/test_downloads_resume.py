# SPDX-License-Identifier: BSD-2-Clause
"""Downloads that were cut, and processes that were: what goes on, and what starts again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from local_mirror import Handler, Mirror, cut, file, hang, in_turn, status
from netmap_build import interrupts
from netmap_build.downloads import Download, Report, fetch
from netmap_build.downloads.partial import Note, Partial
from netmap_build.errors import BuildError
from test_downloads import BODY, OTHER, Desk, item, sha256

TOP = Path(__file__).resolve().parents[2]
HALF = len(BODY) // 2


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "cache")


def interrupted(mirror: Mirror, desk: Desk, etag: str = '"one"', modified: str = "") -> Download:
    """A first run that got half of the file."""
    mirror.routes["/f"] = cut(BODY, HALF, etag, modified)
    wanted = item(mirror.url("/f"))
    with pytest.raises(BuildError, match=r"cut|ended"):
        desk(wanted, rounds=1, resumptions=1)  # as if Ctrl-C came then
    mirror.asked.clear()
    desk.told.lines.clear()
    return wanted


def test_a_cut_transfer_goes_on_at_once(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = in_turn(cut(BODY, HALF), file(BODY))
    [path] = desk(item(mirror.url("/f")))
    assert path.read_bytes() == BODY
    assert mirror.ranges("/f") == ["", f"bytes={HALF}-"]
    assert desk.waits == []


@pytest.mark.parametrize(
    ("etag", "modified", "validator"),
    [
        ('"one"', "", '"one"'),
        ('"one"', "Sun, 22 Nov 2026 10:00:00 GMT", '"one"'),
        ("", "Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT"),
        ('W/"one"', "Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT"),
    ],
)
def test_the_next_run_goes_on_where_the_last_one_stopped(
    mirror: Mirror, desk: Desk, etag: str, modified: str, validator: str
) -> None:
    wanted = interrupted(mirror, desk, etag, modified)
    mirror.routes["/f"] = file(BODY, etag, modified)
    assert desk(wanted)[0].read_bytes() == BODY
    [(_, headers)] = mirror.asked
    assert headers["Range"] == f"bytes={HALF}-"
    assert headers["If-Range"] == validator
    assert desk.leftovers() == []


def test_without_a_validator_it_starts_again(mirror: Mirror, desk: Desk) -> None:
    wanted = interrupted(mirror, desk, etag="")
    mirror.routes["/f"] = file(BODY, etag="")
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [""]


def test_a_server_without_ranges_starts_again(mirror: Mirror, desk: Desk) -> None:
    wanted = interrupted(mirror, desk)
    mirror.routes["/f"] = file(BODY, ranges=False)
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [f"bytes={HALF}-"]


def test_a_file_that_changed_between_starts_again(mirror: Mirror, desk: Desk) -> None:
    """The first half was of another file; If-Range makes the server send all of the new one."""
    mirror.routes["/f"] = cut(OTHER[::-1], HALF, etag='"old"')
    wanted = item(mirror.url("/f"))
    with pytest.raises(BuildError):
        desk(wanted, rounds=1, resumptions=1)
    mirror.routes["/f"] = file(BODY, etag='"new"')
    assert desk(wanted)[0].read_bytes() == BODY


def partly(span: str, etag: str, body: bytes) -> Callable[[Handler], None]:
    """A 206 of the server's own making."""

    def answer(handler: Handler) -> None:
        handler.head(206, ETag=etag, Content_Range=span, Content_Length=str(len(body)))
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("span", "etag"),
    [
        (f"bytes 0-{HALF - 1}/{len(BODY)}", '"one"'),  # another part
        (f"bytes {HALF}-{len(BODY) - 1}/{len(BODY)}", '"two"'),  # of another file
        (f"bytes {HALF}-{len(BODY)}/{len(BODY) + 1}", '"one"'),  # which has another size
        ("", '"one"'),
        ("nonsense", '"one"'),
    ],
)
def test_a_part_that_does_not_fit_is_not_used(
    mirror: Mirror, desk: Desk, span: str, etag: str
) -> None:
    wanted = interrupted(mirror, desk)
    mirror.routes["/f"] = in_turn(partly(span, etag, BODY[:HALF]), file(BODY))
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [f"bytes={HALF}-", ""]
    assert "another part" in desk.told.lines[0]


def test_a_part_that_nobody_asked_for_is_refused(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = partly(f"bytes {HALF}-{len(BODY) - 1}/{len(BODY)}", '"one"', BODY[HALF:])
    with pytest.raises(BuildError, match="it answers 206"):
        desk(item(mirror.url("/f")))


def chunked(body: bytes, last: bytes) -> Callable[[Handler], None]:
    """As hosts answer that pack an archive while they send it: nobody knows its size."""

    def answer(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        for start in range(0, len(body), 5000):
            piece = body[start : start + 5000]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(last)

    return answer


def test_a_body_of_unknown_size_is_received(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = chunked(BODY, b"0\r\n\r\n")
    assert desk(item(mirror.url("/f")))[0].read_bytes() == BODY


def test_a_body_of_unknown_size_that_is_cut_starts_again(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = in_turn(chunked(BODY[:HALF], b""), chunked(BODY, b"0\r\n\r\n"))
    assert desk(item(mirror.url("/f")))[0].read_bytes() == BODY
    assert mirror.ranges("/f") == ["", ""]
    assert "the connection was cut" in desk.told.lines[0]


def test_416_starts_again(mirror: Mirror, desk: Desk) -> None:
    wanted = interrupted(mirror, desk)
    mirror.routes["/f"] = in_turn(status(416), file(BODY))
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [f"bytes={HALF}-", ""]
    assert desk.told.lines == []


def test_another_mirror_does_not_continue_the_file_of_the_first(mirror: Mirror, desk: Desk) -> None:
    interrupted(mirror, desk)
    mirror.routes = {"/g": file(BODY)}
    wanted = item(mirror.url("/f"), mirror.url("/g"))
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/g") == [""]


def test_a_partial_file_that_went_bad_starts_again(mirror: Mirror, desk: Desk) -> None:
    wanted = interrupted(mirror, desk)
    desk.store.partial(wanted).write_bytes(bytes(HALF))
    mirror.routes["/f"] = file(BODY)
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [f"bytes={HALF}-", ""]
    assert "expected sha256" in desk.told.lines[0]


def test_a_complete_partial_file_needs_no_server(mirror: Mirror, desk: Desk) -> None:
    """Killed between the last byte and the check."""
    wanted = interrupted(mirror, desk)
    desk.store.partial(wanted).write_bytes(BODY)
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.asked == []


@pytest.mark.parametrize("note", ["", "{", "[]", '{"url": 1}', "\0\0\0"])
def test_a_broken_note_starts_again(mirror: Mirror, desk: Desk, note: str) -> None:
    wanted = interrupted(mirror, desk)
    Partial(desk.store.partial(wanted)).note_path.write_text(note)
    mirror.routes["/f"] = file(BODY)
    assert desk(wanted)[0].read_bytes() == BODY
    assert mirror.ranges("/f") == [""]


def test_a_transfer_cut_without_end_is_given_up(mirror: Mirror, desk: Desk) -> None:
    """Each answer brings ten bytes more."""

    def drip(handler: Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        rest = BODY[start:]
        span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        handler.head(
            206 if start else 200, ETag='"one"', Content_Range=span, Content_Length=str(len(rest))
        )
        handler.wfile.write(rest[:10])

    mirror.routes["/f"] = drip
    with pytest.raises(BuildError, match="the transfer was cut 4 times"):
        desk(item(mirror.url("/f")), resumptions=4, rounds=1)
    assert mirror.hits("/f") == 4


# The child below: one fetch that prints a line for each step, on a pipe.
CHILD = """
import json, sys
from pathlib import Path
from netmap_build.downloads import Download, Report, fetch

class Told(Report):
    def begin(self, name, size):
        print("begin", flush=True)
    def moved(self, name, done, total):
        print("moved", done, flush=True)

root, url, digest = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
wanted = Download("f", (url,), sha256=digest)
print("found", fetch([wanted], cache_root=Path(root), report=Told())["f"], flush=True)
"""


def child(desk: Desk, url: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}
    words = [sys.executable, "-c", CHILD, str(desk.root), url, sha256(BODY)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_a_process_that_ends_in_the_middle_is_continued_by_the_next(
    mirror: Mirror, desk: Desk, how: str
) -> None:
    mirror.routes["/f"] = hang(BODY, HALF)
    process = child(desk, mirror.url("/f"))
    go(process)
    assert process.stdout is not None
    while process.stdout.readline() != f"moved {HALF}\n":
        assert process.poll() is None
    process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert desk.store.find(item(mirror.url("/f"))) is None
    mirror.routes["/f"] = file(BODY)
    assert desk(item(mirror.url("/f")))[0].read_bytes() == BODY
    assert mirror.ranges("/f") == ["", f"bytes={HALF}-"]


def test_two_processes_at_once_download_once(mirror: Mirror, desk: Desk) -> None:
    mirror.routes["/f"] = file(BODY)
    processes = [child(desk, mirror.url("/f")) for _ in range(2)]
    for process in processes:
        go(process)
    ends = [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]
    assert ends == [f"found {desk.store.file(sha256(BODY))}"] * 2
    assert mirror.hits("/f") == 1


def test_one_waits_while_another_fetches_and_then_takes_it(mirror: Mirror, desk: Desk) -> None:
    """The other process stands in the middle of its transfer when this one asks."""
    go_on = threading.Event()

    def answer(handler: Handler) -> None:
        assert go_on.wait(60)
        file(BODY)(handler)

    mirror.routes["/f"] = answer
    process = child(desk, mirror.url("/f"))
    go(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"  # it has the lock
    mine: list[Path] = []
    waiter = threading.Thread(target=lambda: mine.extend(desk(item(mirror.url("/f")))))
    waiter.start()
    other = item(mirror.url("/g"), body=OTHER, name="other")
    mirror.routes["/g"] = file(OTHER)
    assert desk(other)[0].read_bytes() == OTHER  # different things do not wait
    go_on.set()
    waiter.join(60)
    assert process.wait(60) == 0
    assert mine == [desk.store.file(sha256(BODY))]
    assert mirror.hits("/f") == 1
    assert desk.told.begun == ["other"]


def test_a_note_survives_being_written(tmp_path: Path) -> None:
    partial = Partial(tmp_path / "p")
    note = Note("http://a/f", '"one"', 10)
    partial.begin(note)
    assert partial.note() is None  # there is nothing that it could speak of
    partial.append(b"abc")
    assert partial.note() == note
    assert partial.resumable("http://b/f") is None
    assert json.loads(partial.note_path.read_text())["total"] == 10
    partial.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_quiet_report_is_quiet(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.routes["/f"] = file(BODY)
    fetch([item(mirror.url("/f"))], cache_root=tmp_path, report=Report())
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_that_scons_hears_ends_the_waiting(
    mirror: Mirror, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SCons keeps Ctrl-C from the threads that its actions run in, and tells interrupts.py."""
    monkeypatch.setattr(interrupts, "HAPPENED", threading.Event())
    mirror.routes["/f"] = hang(BODY, HALF)
    arrived = threading.Event()

    def moved(name: str, done: int, total: int) -> None:
        if done == HALF:
            arrived.set()

    monkeypatch.setattr(desk.told, "moved", moved)
    caught: list[BuildError] = []

    def act() -> None:
        try:
            desk(item(mirror.url("/f")))
        except BuildError as error:
            caught.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    assert arrived.wait(60)
    interrupts.interrupt()
    thread.join(60)
    assert [error.message for error in caught] == [
        "the downloads were interrupted; what was received is kept"
    ]
    assert caught[0].hint == "type the same again to go on"
    assert Partial(desk.store.partial(item(mirror.url("/f")))).size == HALF
    with pytest.raises(BuildError, match="interrupted"):
        desk(item(mirror.url("/g"), body=OTHER))  # and nothing new begins
