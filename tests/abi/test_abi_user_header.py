# SPDX-License-Identifier: BSD-2-Clause
"""net/netmap_user.h: every name that programs use is there, and its functions do their job."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from abi_model import HERE, INCLUDE, Compiler

TESTS = re.findall(r"^\tTEST\((\w+)\),$", (HERE / "user_header.c").read_text(), re.MULTILINE)

# What programs and libraries written for netmap take from this header.
MACROS = [
    "NETMAP_DEVICE_NAME", "NETMAP_IF", "NETMAP_TXRING", "NETMAP_RXRING", "NETMAP_BUF",
    "NETMAP_BUF_IDX", "NETMAP_ROFFSET", "NETMAP_WOFFSET", "NETMAP_BUF_OFFSET", "likely",
    "unlikely", "D", "ND", "RD",
]  # fmt: skip
LIBRARY_MACROS = ["NM_MORE_PKTS", "NM_ERRBUF_SIZE", "P2NMD", "IS_NETMAP_DESC", "NETMAP_FD"]
RING_FUNCTIONS = {
    "nm_ring_next": "uint32_t (*)(const struct netmap_ring *, uint32_t)",
    "nm_ring_empty": "int (*)(const struct netmap_ring *)",
    "nm_ring_space": "uint32_t (*)(const struct netmap_ring *)",
    "nm_tx_pending": "int (*)(const struct netmap_ring *)",
    "nm_pkt_copy": "void (*)(const void *, void *, int)",
}
LIBRARY_FUNCTIONS = {
    "nm_open": "struct nm_desc *(*)(const char *, const struct nmreq *, uint64_t,"
    " const struct nm_desc *)",
    "nm_close": "int (*)(struct nm_desc *)",
    "nm_mmap": "int (*)(struct nm_desc *, const struct nm_desc *)",
    "nm_inject": "int (*)(struct nm_desc *, const void *, size_t)",
    "nm_dispatch": "int (*)(struct nm_desc *, int, void (*)(u_char *, const struct nm_pkthdr *,"
    " const u_char *), u_char *)",
    "nm_nextpkt": "u_char *(*)(struct nm_desc *, struct nm_pkthdr *)",
}
FIELDS = {
    "nm_pkthdr": ["ts", "caplen", "len", "flags", "d", "slot", "buf"],
    "nm_stat": ["ps_recv", "ps_drop", "ps_ifdrop"],
    "nm_desc": [
        "self", "fd", "mem", "memsize", "done_mmap", "nifp", "first_tx_ring", "last_tx_ring",
        "cur_tx_ring", "first_rx_ring", "last_rx_ring", "cur_rx_ring", "req", "hdr", "some_ring",
        "buf_start", "buf_end", "snaplen", "promisc", "to_ms", "errbuf", "if_flags", "if_reqcap",
        "if_curcap", "st", "msg",
    ],
}  # fmt: skip
OPEN_FLAGS = {
    "NM_OPEN_NO_MMAP": 0x040000,
    "NM_OPEN_IFNAME": 0x080000,
    "NM_OPEN_ARG1": 0x100000,
    "NM_OPEN_ARG2": 0x200000,
    "NM_OPEN_ARG3": 0x400000,
    "NM_OPEN_RING_CFG": 0x800000,
}


def has_function(name: str, pointer: str) -> str:
    declared = pointer.replace("(*)", "(*wanted_" + name + ")", 1)
    return f"{declared} = {name};"


def test_rings_and_buffers_can_be_used_without_the_library(gcc: Compiler, tmp_path: Path) -> None:
    lines = ["#include <net/netmap_user.h>"]
    lines += [f"#ifndef {m}\n#error {m} is missing\n#endif" for m in MACROS]
    lines += [f"#ifdef {m}\n#error {m} belongs to the library\n#endif" for m in LIBRARY_MACROS]
    lines += [has_function(*f) for f in RING_FUNCTIONS.items()]
    source = tmp_path / "names.c"
    source.write_text("\n".join(lines) + "\n")
    gcc.check("-I", INCLUDE, "-fsyntax-only", source)


def test_the_library_has_its_names_fields_and_flags(gcc: Compiler, tmp_path: Path) -> None:
    lines = ["#define NETMAP_WITH_LIBS", "#include <net/netmap_user.h>", "#include <stddef.h>"]
    lines += [f"#ifndef {m}\n#error {m} is missing\n#endif" for m in MACROS + LIBRARY_MACROS]
    lines += [has_function(*f) for f in {**RING_FUNCTIONS, **LIBRARY_FUNCTIONS}.items()]
    for struct, fields in FIELDS.items():
        for before, after in itertools.pairwise(fields):
            lines.append(
                f"_Static_assert(offsetof(struct {struct}, {before}) < "
                f'offsetof(struct {struct}, {after}), "{before} comes before {after}");'
            )
    lines += [f'_Static_assert({k} == {v}, "{k}");' for k, v in OPEN_FLAGS.items()]
    lines.append('_Static_assert(sizeof(((struct nm_desc *)0)->msg) == 512, "msg");')
    source = tmp_path / "names.c"
    source.write_text("\n".join(lines) + "\n")
    gcc.check("-I", INCLUDE, "-fsyntax-only", source)


@pytest.fixture(scope="session")
def program(gcc: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The C tests, built with the sanitizers; the result runs one of them."""
    binary = tmp_path_factory.mktemp("user-header") / "user_header"
    gcc.check(
        "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
        "-I", INCLUDE, HERE / "user_header.c", "-o", binary,
    )  # fmt: skip

    def run(name: str) -> str:
        done = subprocess.run([binary, name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", TESTS)
def test_user_header(name: str, program: Callable[[str], str]) -> None:
    program(name)


def test_every_test_function_of_the_program_is_run(program: Callable[[str], str]) -> None:
    assert program("--list").split() == TESTS
    text = (HERE / "user_header.c").read_text()
    helpers = {"free_region", "receive", "note"}
    assert set(re.findall(r"^static void\n(\w+)\(", text, re.MULTILINE)) - helpers == set(TESTS)


def test_debug_lines_tell_time_and_place(gcc: Compiler, tmp_path: Path) -> None:
    source = tmp_path / "debug.c"
    source.write_text(
        "#include <net/netmap_user.h>\n"
        'int main(void)\n{\n\tD("one %d", 1);\n\tND("never %d", 2);\n'
        '\tfor (int i = 0; i < 3; i++)\n\t\tRD(1000, "again %d", i);\n'
        '\tRD(0, "not allowed");\n\treturn 0;\n}\n'
    )
    gcc.check("-I", INCLUDE, source, "-o", tmp_path / "debug")
    err = subprocess.run([tmp_path / "debug"], capture_output=True, text=True, check=True).stderr
    place = r"\d{3}\.\d{6} main \[\d+\] "
    lines = err.splitlines()
    assert [re.sub("^" + place, "", line) for line in lines] == [
        "one 1", "again 0", "again 1", "again 2",
    ]  # fmt: skip
    assert all(re.match(place, line) for line in lines)
