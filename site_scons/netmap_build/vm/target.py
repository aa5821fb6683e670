# SPDX-License-Identifier: BSD-2-Clause
"""Which kernel to boot and which build to put into it: paths, always given, never guessed."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import BuildError

ENVIRONMENT = "NETMAP_VM_CONFIG"


@dataclass(frozen=True)
class Target:
    """Paths of one kernel and one build; the work folder takes consoles and compiled tests."""

    kernel_image: Path
    modules_dir: Path
    kernel_version: str
    work_dir: Path
    root: Path
    netmap_ko: Path | None = None
    bin_dir: Path | None = None
    lib_dir: Path | None = None
    cc: str = "cc"
    arch: str = field(default_factory=platform.machine)
    busybox: Path | None = None  # for the guest; none: the one that is installed here

    @property
    def library_dirs(self) -> tuple[Path, ...]:
        """Folders to search before the system's own."""
        return (self.lib_dir,) if self.lib_dir is not None else ()

    @property
    def include_dir(self) -> Path:
        """The public headers in the checkout."""
        return self.root / "common" / "include"

    def program(self, name: str) -> Path:
        """The path of a built program; BuildError when it is not there."""
        if self.bin_dir is None or not (self.bin_dir / name).exists():
            raise BuildError(f"{name} is not built", "type: ./sconsw")
        return self.bin_dir / name

    def save(self, path: Path) -> None:
        """Write it for load(); the file is left alone when nothing changed."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True, default=str) + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def load(path: Path) -> Target:
    """Read what save() wrote."""
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BuildError(f"cannot read {path}: {error}", "type: ./sconsw") from error

    def optional(key: str) -> Path | None:
        return Path(raw[key]) if raw.get(key) else None

    return Target(
        kernel_image=Path(raw["kernel_image"]),
        modules_dir=Path(raw["modules_dir"]),
        kernel_version=str(raw["kernel_version"]),
        work_dir=Path(raw["work_dir"]),
        root=Path(raw["root"]),
        netmap_ko=optional("netmap_ko"),
        bin_dir=optional("bin_dir"),
        lib_dir=optional("lib_dir"),
        cc=str(raw.get("cc") or "cc"),
        arch=str(raw.get("arch") or platform.machine()),
        busybox=optional("busybox"),
    )


def from_environment() -> Target | None:
    """The target named by NETMAP_VM_CONFIG, or None when that is not set."""
    name = os.environ.get(ENVIRONMENT)
    return load(Path(name)) if name else None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of every command here: one file, or each path by itself."""
    parser.add_argument("--config", type=Path, help="file with all of the paths below")
    parser.add_argument("--kernel-image", type=Path, help="the kernel to boot (vmlinuz)")
    parser.add_argument("--modules-dir", type=Path, help="its lib/modules/<version> folder")
    parser.add_argument("--kernel-version", default="", help="its version; checked when given")
    parser.add_argument("--netmap-ko", type=Path, help="the module to test")
    parser.add_argument("--bin-dir", type=Path, help="folder with pkt-gen")
    parser.add_argument("--lib-dir", type=Path, help="folder with libnetmap")
    parser.add_argument("--work-dir", type=Path, help="folder for consoles and compiled tests")
    parser.add_argument("--cc", default="cc", help="C compiler for guest programs")
    parser.add_argument("--arch", default=platform.machine(), help="architecture of the guest")
    parser.add_argument("--busybox", type=Path, help="a static busybox for the guest")


def from_options(options: argparse.Namespace, root: Path) -> Target:
    """The target that the options name; --config, else the environment, else single paths."""
    if options.config is not None:
        return load(options.config)
    if options.kernel_image is None:
        target = from_environment()
        if target is None:
            raise BuildError(
                "which kernel should boot?", "type the same with --config or --kernel-image"
            )
        return target
    for name in ("modules_dir", "work_dir"):
        if getattr(options, name) is None:
            raise BuildError(f"--{name.replace('_', '-')} is missing", "name it")
    return Target(
        kernel_image=options.kernel_image.resolve(),
        modules_dir=options.modules_dir.resolve(),
        kernel_version=options.kernel_version,
        work_dir=options.work_dir.resolve(),
        root=root,
        netmap_ko=options.netmap_ko.resolve() if options.netmap_ko else None,
        bin_dir=options.bin_dir.resolve() if options.bin_dir else None,
        lib_dir=options.lib_dir.resolve() if options.lib_dir else None,
        cc=options.cc,
        arch=options.arch,
        busybox=options.busybox.resolve() if options.busybox else None,
    )
