# SPDX-License-Identifier: BSD-2-Clause
"""os.h: the hosted port keeps the contract, and ends a process that breaks it."""

from __future__ import annotations

import signal
import subprocess
from functools import cache
from pathlib import Path

import build_core
import pytest

pytestmark = pytest.mark.programs

# What each misuse is told; None: the processor itself stops it.
MISUSES: dict[str, str | None] = {
    "sleep_with_leaf": "nm_os_malloc may sleep, called with leaf lock first leaf held",
    "sleep_in_read_section": "nm_os_synchronize may sleep, called in a read section",
    "nap_in_interrupt": "nm_os_nap may sleep, called in an interrupt",
    "control_in_read_section": "the control lock may sleep, called in a read section",
    "free_in_interrupt": "nm_os_free may sleep, called in an interrupt",
    "copy_with_control": "nm_os_copyin may fault, called with the control lock held",
    "copy_with_region": "nm_os_copyout may fault, called with the region lock held",
    "control_after_region": "the control lock (class control) wanted with the region lock held",
    "interface_after_control": "interface (class interface) wanted with the control lock held",
    "two_leaf_locks": "leaf lock second leaf wanted with leaf lock first leaf held",
    "leaf_unlock_not_held": "leaf lock first leaf let go but not held by this thread",
    "mutex_twice": "the control lock (class control) wanted with the control lock held",
    "mutex_unlock_not_held": "mutex the control lock let go but not held by this thread",
    "mutex_should_be_held": "mutex the control lock should be held by this thread",
    "mutex_destroyed_while_held": "mutex the control lock destroyed while held",
    "read_exit_without_enter": "nm_read_exit without nm_read_enter",
    "section_left_open": "an API call: 1 read section(s) still open",
    "leaf_left_held": "an API call: leaf lock first leaf still held",
    "control_left_held": "an API call: the control lock is still held",
    "section_left_open_by_a_thread": "the end of a thread: 1 read section(s) still open",
    "free_twice": "no such block (freed twice?)",
    "pages_free_twice": "no such pages (freed twice?)",
    "part_of_a_page": "4097 bytes are not whole pages",
    "write_past_the_end": "write past the end of a block of 24 bytes",
    "write_after_free": "write after free: byte 3 of a block of 24",
    "write_past_a_region": None,
    "follow_a_user_pointer": None,
    "destroy_with_sleepers": "wait queue destroyed with 1 sleeper(s)",
    "adapter_without_lock": "nm_os_if_na(x) outside a read section and the interface lock",
    "set_adapter_without_lock": "mutex interface should be held by this thread",
    "release_too_often": "interface x let go more often than held",
    "sleep_in_deferred": "nm_os_nap may sleep, called in a deferred function",
    "broken_invariant": "broken invariant",
    "bad_dma": "DMA to a bad address",
}


@cache
def program(variant: str = "plain") -> Path:
    """contract_main."""
    return build_core.build_programs(variant, "contract_main")["contract_main"]


def run(*args: str, variant: str = "plain") -> subprocess.CompletedProcess[str]:
    """contract_main with arguments."""
    command = [str(program(variant)), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("variant", ["plain", "asan", "tsan", "bench"])
def test_the_hosted_port_keeps_every_promise(variant: str) -> None:
    done = run(variant=variant)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "wrong" not in done.stdout
    assert done.stdout.count("ok ") == 20


def test_every_misuse_has_a_test() -> None:
    assert run("misuses").stdout.split() == list(MISUSES)


@pytest.mark.parametrize("name", MISUSES)
def test_a_misuse_ends_the_process(name: str) -> None:
    done = run("misuse", name)
    message = MISUSES[name]
    if message is None:
        assert done.returncode == -signal.SIGSEGV
    else:
        assert done.returncode == -signal.SIGABRT
        assert message in done.stderr
