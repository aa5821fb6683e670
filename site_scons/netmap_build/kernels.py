# SPDX-License-Identifier: BSD-2-Clause
"""Which kernel to build for, why, and what tells one kernel tree from another."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import debian_kernel, kernel_source, suites, system_packages
from .arch import chosen, host
from .errors import BuildError
from .kernel_source import Sources

# What a module's bytes depend on in a kernel tree.
FINGERPRINTED = (
    ".config",
    ".kernelvariables",
    "Makefile",
    "Module.symvers",
    "include/config/auto.conf",
    "include/generated/autoconf.h",
    "include/generated/compile.h",
    "include/generated/utsrelease.h",
)
DEFAULT = "default"
LENIENT = "KBUILD_MODPOST_WARN=1"  # tells modpost to go on without the kernel's symbols
DEBIAN = "debian:"  # kernel=debian:SUITE


@dataclass(frozen=True)
class Kernel:
    """A kernel to build for, and to boot where its image is known."""

    version: str
    headers_dir: Path
    image: Path | None
    modules_dir: Path | None
    why: str
    arch: str = platform.machine()
    suite: str = ""  # of the Debian archive, where it was fetched from one


@dataclass(frozen=True)
class Choice:
    """The decision, which needs no network; kernel is None while it is not fetched."""

    name: str  # names the build folder
    kernel: Kernel | None
    why: str
    arch: str = platform.machine()
    suite: str = ""  # to fetch from; nothing: the distribution's own
    wanted: str = ""  # the release that it must have, from kernel-version=
    trees: tuple[Sources, ...] = ()  # from kernel-sources=

    def line(self) -> str:
        version = self.kernel.version if self.kernel else "to be fetched"
        trees = "".join(f"; sources of {tree.version} in {tree.folder}" for tree in self.trees)
        return f"kernel {version}: {self.why}{trees}"


@dataclass(frozen=True)
class Machine:
    """The facts of this machine that the choice rests on."""

    root: Path = Path("/")
    release: str = os.uname().release

    def headers(self, version: str) -> Path:
        return self.root / "lib/modules" / version / "build"

    def installed(self) -> list[str]:
        """Versions whose headers are installed, newest last."""
        found = [
            path.parent.name
            for path in (self.root / "lib/modules").glob("*/build")
            if is_prepared(path)
        ]
        return sorted(found, key=version_key)


def is_native(arch: str) -> bool:
    """True for the architecture of this machine."""
    return arch == platform.machine()


def arch_words(arch: str) -> tuple[str, ...]:
    """The words by which kbuild cross-compiles; none for this machine's own architecture."""
    return () if is_native(arch) else chosen(arch).make_words(host())


def version_key(version: str) -> tuple[tuple[int, int | str], ...]:
    """6.10 is newer than 6.9: numbers compare as numbers."""
    return tuple(
        (1, int(part)) if part.isdigit() else (0, part)
        for part in re.findall(r"\d+|[a-zA-Z]+", version)
    )


def is_prepared(folder: Path) -> bool:
    """True for headers that modules can be built against."""
    return (folder / "Makefile").exists() and (folder / "include/generated/autoconf.h").exists()


def release_of(folder: Path) -> str:
    """The kernel's own release name."""
    try:
        return (folder / "include/config/kernel.release").read_text().strip()
    except OSError:
        pass
    try:
        text = (folder / "include/generated/utsrelease.h").read_text()
    except OSError:
        text = ""
    match = re.search(r'UTS_RELEASE "([^"]+)"', text)
    return match.group(1) if match else folder.name


def local_kernel(machine: Machine, folder: Path, why: str) -> Kernel:
    """A kernel of this machine; its image only where it can be read."""
    version = release_of(folder)
    image = machine.root / "boot" / f"vmlinuz-{version}"
    modules = machine.root / "lib/modules" / version
    readable = image.exists() and os.access(image, os.R_OK) and (modules / "kernel").is_dir()
    return Kernel(
        version,
        folder,
        image if readable else None,
        modules if readable else None,
        why,
    )


def fetched(why: str, suite: str = "", arch: str = "") -> Kernel | None:
    """A suite's cloud kernel if it lies in the cache; never asks the network."""
    root = debian_kernel.current(suite, arch)
    if root is None:
        return None
    version = debian_kernel.version_in(root)
    return Kernel(
        version,
        root / "usr/src" / f"linux-headers-{version}",
        debian_kernel.image_of(root, version),
        debian_kernel.modules_dir(root, version),
        why,
        arch or platform.machine(),
        suite or suites.own(),
    )


def fetched_at(kernel: Kernel) -> float:
    """When a kernel came into the cache; 0 for one that lies elsewhere."""
    root = debian_kernel.current(kernel.suite, kernel.arch)
    return root.stat().st_mtime if root else 0.0


def default_choice(why: str, arch: str = "") -> Choice:
    """The distribution's cloud kernel."""
    return Choice(DEFAULT, fetched(why, "", arch), why, arch or platform.machine())


def suite_choice(suite: str, arch: str = "") -> Choice:
    """kernel=debian:SUITE: that suite's cloud kernel."""
    why = f"the cloud kernel of Debian {suites.named(suite).name}"
    kernel = fetched(why, suite, arch)
    return Choice(f"debian-{suite}", kernel, why, arch or platform.machine(), suite)


def choose(
    kernel_dir: str,
    kernel: str,
    machine: Machine | None = None,
    *,
    arch: str = "",
    version: str = "",
    sources: Sequence[str] = (),
) -> Choice:
    """kernel-dir=, kernel=, the running kernel, the newest installed, the embedded default.

    version is the release it must have; alone it names an installed kernel. A source tree that
    was built is the kernel where nothing else names one.
    """
    trees = tuple(kernel_source.read(Path(folder)) for folder in sources)
    if version and not kernel_dir and not kernel:
        kernel = version
    if not kernel_dir and not kernel:
        built = [tree.folder for tree in trees if is_built(tree.folder)]
        kernel_dir = str(built[0]) if built else ""
    choice = replace(found(kernel_dir, kernel, machine, arch), wanted=version, trees=trees)
    if choice.kernel:
        check_wishes(choice, choice.kernel)
    return choice


def check_wishes(choice: Choice, kernel: Kernel) -> Sources | None:
    """Refuse a kernel that is not what kernel-version= and kernel-sources= want."""
    if choice.wanted and choice.wanted != kernel.version:
        raise BuildError(
            f"kernel-version={choice.wanted} is wanted, but {kernel.headers_dir} is for "
            f"{kernel.version}",
            f"type: ./sconsw kernel-version={kernel.version}, or name other headers",
        )
    return kernel_source.fitting(choice.trees, kernel.version) if choice.trees else None


def is_built(folder: Path) -> bool:
    """True for a kernel tree in which the kernel itself was built."""
    return is_prepared(folder) and (folder / "Module.symvers").exists()


def found(kernel_dir: str, kernel: str, machine: Machine | None, arch: str) -> Choice:
    """The choice by what was typed and what is installed."""
    machine = machine or Machine()
    arch = arch or platform.machine()
    if kernel_dir:
        return given_folder(Path(kernel_dir), machine, arch)
    if kernel.startswith(DEBIAN):
        return suite_choice(kernel.removeprefix(DEBIAN), arch)
    if kernel == DEFAULT:
        return default_choice("asked for by kernel=default", arch)
    if not is_native(arch):
        if kernel:
            raise BuildError(
                f"kernel={kernel} means a kernel of this machine, which is no {arch}",
                f"type: ./sconsw arch={arch} kernel=default, or kernel-dir=/a/kernel/tree",
            )
        return default_choice(f"the distribution's cloud kernel for {arch}", arch)
    if kernel:
        return given_version(kernel, machine)
    if is_prepared(machine.headers(machine.release)):
        why = "the running kernel"
        return Choice(
            machine.release, local_kernel(machine, machine.headers(machine.release), why), why
        )
    installed = machine.installed()
    if installed:
        why = f"the newest installed; the running {machine.release} has no headers here"
        return Choice(
            installed[-1], local_kernel(machine, machine.headers(installed[-1]), why), why
        )
    return default_choice("the distribution's cloud kernel; no headers are installed here")


def given_folder(folder: Path, machine: Machine, arch: str) -> Choice:
    """kernel-dir=: headers, or a tree that was prepared."""
    if not folder.is_dir():
        raise BuildError(
            f"kernel-dir={folder} is no folder",
            "type: ls -d /lib/modules/*/build, or ./sconsw reset to forget it",
        )
    if not is_prepared(folder):
        if (folder / "Kconfig").exists():
            raise BuildError(
                f"kernel-dir={folder} is a kernel source that was never prepared",
                f"type: make -C {folder} -j2 defconfig all",
            )
        raise BuildError(
            f"kernel-dir={folder} holds no kernel headers (no include/generated/autoconf.h)",
            "type: ls -d /lib/modules/*/build",
        )
    actual = arch_of(folder)
    if actual and actual != arch:
        raise BuildError(
            f"kernel-dir={folder} is a kernel for {actual}, the build is for {arch}",
            f"type: ./sconsw arch={actual} kernel-dir={folder}",
        )
    why = "asked for by kernel-dir="
    kernel = replace(local_kernel(machine, folder, why), arch=arch)
    return Choice(f"{kernel.version}-{short(str(folder.resolve()))}", kernel, why, arch)


def given_version(version: str, machine: Machine) -> Choice:
    """kernel=: one of the installed ones."""
    folder = machine.headers(version)
    if not is_prepared(folder):
        installed = ", ".join(machine.installed()) or "none"
        raise BuildError(
            f"kernel={version} has no headers on this machine; installed: {installed}",
            f"type: sudo apt-get install linux-headers-{version}, or ./sconsw kernel=default",
        )
    why = "asked for by kernel="
    return Choice(version, local_kernel(machine, folder, why), why)


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def fetch(suite: str = "", arch: str = "") -> Kernel:
    """Headers and image of a suite's cloud kernel, refreshed through apt."""
    debian_kernel.fetch(suite, arch)
    what = f"the cloud kernel of Debian {suite}" if suite else "the distribution's cloud kernel"
    kernel = fetched(what, suite, arch)
    if kernel is None:
        raise BuildError("the fetched kernel did not unpack", "type: ./sconsw fetch")
    return kernel


def fetch_default() -> Kernel:
    """Headers and image of the embedded default, refreshed through apt."""
    return fetch()


def for_vm(suite: str = "", arch: str = "") -> Kernel:
    """A kernel with headers, image and modules that a VM can boot, fetched on first need."""
    return fetched("the distribution's cloud kernel", suite, arch) or fetch(suite, arch)


def config(folder: Path) -> str:
    """The kernel's configuration as kbuild reads it."""
    try:
        return (folder / "include/config/auto.conf").read_text()
    except OSError:
        return ""


def config_has(folder: Path, line: str) -> bool:
    """True where the kernel's configuration has this line."""
    return line in config(folder).splitlines()


def arch_of(folder: Path) -> str:
    """The architecture of a kernel tree; nothing where it does not say."""
    for arch, line in (("x86_64", "CONFIG_X86_64=y"), ("aarch64", "CONFIG_ARM64=y")):
        if config_has(folder, line):
            return arch
    return ""


def compiler_of(folder: Path, arch: str = "") -> tuple[str, bool]:
    """The compiler for a kernel's modules, and whether kbuild needs LLVM=1.

    What Debian's headers name; else the gcc of the version that built the kernel, if it is here.
    """
    if clang(folder):
        return "clang", True
    before = "" if is_native(arch or platform.machine()) else f"{chosen(arch).gnu}-"
    named = named_compiler(folder)
    if named:
        return f"{before}{named}", False
    same = f"{before}gcc-{built_by(folder)}"
    return (same if shutil.which(same) else f"{before}gcc"), False


def named_compiler(folder: Path) -> str:
    """The compiler that Debian's headers set for kbuild; nothing where they set none."""
    try:
        text = (folder / ".kernelvariables").read_text()
    except OSError:
        return ""
    match = re.search(r"^CC\b.*?(gcc-[\d.]+)$", text, re.MULTILINE)
    return match.group(1) if match else ""


def built_by(folder: Path) -> int:
    """The major version of the gcc that built a kernel; 0 where its configuration is silent."""
    found = re.search(r"^CONFIG_GCC_VERSION=(\d+)\d{4}$", config(folder), re.MULTILINE)
    return int(found.group(1)) if found else 0


def compiler_words(folder: Path, compiler: str, llvm: bool) -> list[str]:
    """What kbuild must be told of the compiler, beyond what the headers say."""
    if llvm:
        return ["LLVM=1"]
    usual = compiler.endswith("gcc")
    return [] if usual or named_compiler(folder) else [f"CC={compiler}"]


def check_symbols(kernel: Kernel) -> None:
    """Refuse a tree whose kernel was never built: its modules could not be loaded."""
    if not (kernel.headers_dir / "Module.symvers").exists():
        raise BuildError(
            f"{kernel.headers_dir} was prepared, but its kernel was never built: "
            "it has no Module.symvers",
            f"type: make -C {kernel.headers_dir} -j2 all; or, only to see whether it compiles, "
            f"./sconsw kernel-opts={LENIENT}",
        )


def check_compiler(kernel: Kernel, version: str) -> None:
    """Refuse a gcc older than the kernel's: it does not know the options of that kernel."""
    wanted = built_by(kernel.headers_dir)
    found = re.search(r"\) (\d+)\.\d+", version)
    if wanted and found and "clang" not in version and int(found.group(1)) < wanted:
        package = compiler_package(f"gcc-{wanted}")
        raise BuildError(
            f"kernel {kernel.version} was built by gcc {wanted}, and gcc {found.group(1)} "
            "does not know all of its options",
            f"{system_packages.command_to_type([package])}, or name a compiler: "
            "./sconsw kernel-opts=CC=/path/to/gcc",
        )


def compiler_package(compiler: str) -> str:
    """The Debian package of a compiler: gcc-12-aarch64-linux-gnu for aarch64-linux-gnu-gcc-12."""
    match = re.fullmatch(r"(\w+-linux-gnu)-(gcc[-\d.]*)", compiler)
    return f"{match.group(2)}-{match.group(1).replace('_', '-')}" if match else compiler


def clang(folder: Path) -> bool:
    """True for a kernel that clang built; its modules must be built by clang too."""
    return config_has(folder, "CONFIG_CC_IS_CLANG=y")


def compiler_version(compiler: str) -> str:
    """The compiler's first line about itself; empty where it is not installed."""
    try:
        done = subprocess.run(
            [compiler, "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
        )
    except OSError:
        return ""
    return done.stdout.partition("\n")[0]


def fingerprint(folder: Path, arch: str = "") -> str:
    """One word for a kernel tree: equal words build equal modules with equal compilers."""
    digest = hashlib.sha256()
    for name in FINGERPRINTED:
        try:
            content = (folder / name).read_bytes()
        except OSError:
            content = b"absent"
        digest.update(f"{name} {len(content)}\0".encode())
        digest.update(content)
    compiler, llvm = compiler_of(folder, arch)
    digest.update(f"{compiler} {llvm} {compiler_version(compiler)}".encode())
    return digest.hexdigest()
