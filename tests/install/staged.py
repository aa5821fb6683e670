# SPDX-License-Identifier: BSD-2-Clause
"""The real build, installed into a root of its own beside files of others and a kernel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netmap_build import install, layout
from netmap_build.vm import Target


@dataclass(frozen=True)
class Staged:
    """A root that the build was installed into, and what it was installed from."""

    root: Path
    built: layout.Built
    top: Path
    order: install.Order

    @property
    def prefix(self) -> Path:
        return self.root / self.order.places.prefix.lstrip("/")

    @property
    def library(self) -> Path:
        return (self.prefix / "lib/libnetmap.so").resolve()

    def pkg_config(self, *words: str) -> list[str]:
        """What pkg-config answers about the tree, as words of a command."""
        folder = str(self.prefix / "lib/pkgconfig")
        env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.root), "PKG_CONFIG_LIBDIR": folder}
        env.pop("PKG_CONFIG_PATH", None)
        command = ["pkg-config", *words, "libnetmap"]
        said = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return said.stdout.split()


def built_for(target: Target) -> layout.Built:
    """What the build made, as install gets to know it."""
    assert target.netmap_ko is not None
    assert target.lib_dir is not None
    assert target.bin_dir is not None
    return layout.Built(
        (target.root / "VERSION").read_text().strip(),
        target.kernel_version,
        target.netmap_ko,
        target.netmap_ko.with_name("Module.symvers"),
        target.lib_dir,
        tuple(sorted(target.bin_dir.iterdir())),
    )


def put_kernel(root: Path, target: Target) -> None:
    """That kernel's own lists and some of its modules, as a kernel's package has them."""
    folder = root / "lib/modules" / target.kernel_version
    (folder / "kernel").mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(target.modules_dir / name, folder)
    (folder / "kernel/net").symlink_to(target.modules_dir / "kernel/net")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    depmod = shutil.which("depmod", path=path)
    assert depmod is not None
    subprocess.run(
        [depmod, "-b", str(root), target.kernel_version], stderr=subprocess.DEVNULL, check=True
    )


def stage(root: Path, target: Target, places: layout.Places | None = None) -> Staged:
    order = install.Order(places or layout.Places(), str(root))
    built = built_for(target)
    install.install(target.root, built, order)
    return Staged(root, built, target.root, order)


def snapshot(root: Path) -> dict[str, str]:
    """Every path under a root: mode, and the hash of what is in it."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            content = b"" if path.is_dir() else path.read_bytes()
            mode = path.stat().st_mode & 0o7777
            found[name] = f"{mode:o} {hashlib.sha256(content).hexdigest()}"
    return found
