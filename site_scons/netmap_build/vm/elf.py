# SPDX-License-Identifier: BSD-2-Clause
"""The few things the harness reads from 64-bit little-endian ELF files."""

from __future__ import annotations

import struct

_PT_INTERP = 3
_DT_NEEDED = 1


def is_elf64(data: bytes) -> bool:
    """True for a little-endian 64-bit ELF file."""
    return data[:6] == b"\x7fELF\x02\x01"


def section(data: bytes, name: str) -> bytes | None:
    """The contents of the section of that name, or None when there is none."""
    if not is_elf64(data):
        raise ValueError("not a 64-bit little-endian ELF file")
    table, size, count, names_index = _section_table(data)
    headers = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    if names_index >= count:
        return None
    names_at, names_len = headers[names_index][4:6]
    names = data[names_at : names_at + names_len]
    for name_at, _type, _flags, _addr, offset, length in headers:
        end = names.find(b"\0", name_at)
        if names[name_at:end] == name.encode():
            return data[offset : offset + length]
    return None


def is_static(data: bytes) -> bool:
    """True when the program asks for no dynamic loader."""
    if not is_elf64(data):
        raise ValueError("not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    kinds = [struct.unpack_from("<I", data, table + i * size)[0] for i in range(count)]
    return _PT_INTERP not in kinds


def machine(data: bytes) -> int:
    """The processor it is for, as e_machine says it."""
    if not is_elf64(data):
        raise ValueError("not a 64-bit little-endian ELF file")
    return int(struct.unpack_from("<H", data, 18)[0])


def interpreter(data: bytes) -> str:
    """The dynamic loader's path, or an empty string for what has none."""
    return (section(data, ".interp") or b"").rstrip(b"\0").decode()


def needed(data: bytes) -> list[str]:
    """The shared libraries that it asks for by name."""
    entries, names = section(data, ".dynamic") or b"", section(data, ".dynstr") or b""
    found: list[str] = []
    for tag, value in struct.iter_unpack("<QQ", entries):
        if tag == _DT_NEEDED:
            found.append(names[value : names.index(b"\0", value)].decode())
    return found


def _section_table(data: bytes) -> tuple[int, int, int, int]:
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names_index = struct.unpack_from("<HHH", data, 58)
    return table, size, count, names_index
