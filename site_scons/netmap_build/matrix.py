# SPDX-License-Identifier: BSD-2-Clause
"""Every supported kernel: does the module build without a warning, does it boot and work?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import cache, debian_kernel, debs, kernels, kmodule, needs, suites, testing, venvs
from .errors import BuildError, say
from .vm.target import ENVIRONMENT, Target

# What compilers, modpost and make say when they are not content.
COMPLAINT = re.compile(r"\bwarning\b|\berror:|\*\*\*|\bundefined!", re.IGNORECASE)
LOG = "build.log"
BOOT_TESTS = "smoke and guest"
BOOT_SECONDS = 600  # a hang; a boot with its tests takes half a minute
YES, NO, ABSENT = "yes", "no", "-"


@dataclass(frozen=True)
class Built:
    """A module that was built for one suite's kernel."""

    suite: str
    kernel: kernels.Kernel
    out: Path
    said: str
    seconds: float

    @property
    def module(self) -> Path:
        return self.out / "stage" / "netmap.ko"

    @property
    def complaints(self) -> list[str]:
        return complaints(self.said)


def complaints(said: str) -> list[str]:
    """The lines in which a tool complains."""
    return [line.strip() for line in said.splitlines() if COMPLAINT.search(line)]


def build(
    top: Path, folder: Path, suite: str, *, arch: str = "", jobs: int = 1, may_install: bool = True
) -> Built:
    """Fetch a suite's kernel if need be and build the whole module for it, under folder."""
    began = time.monotonic()
    kernel = kernels.for_vm(suite, arch)
    choice = kernels.suite_choice(suite, arch)
    said: list[str] = []
    job = kmodule.Job(
        top,
        folder / f"linux-{choice.arch}-{choice.name}",
        choice,
        jobs,
        may_install=may_install,
        on_output=said.append,
    )
    for old in [job.module, *job.stage.rglob("*.o"), *job.stage.rglob(".*.cmd")]:
        old.unlink(missing_ok=True)  # what is not compiled cannot warn
    try:
        kmodule.write_kernel(job)
        kmodule.probe(job)
        kmodule.build(job)
    except BuildError as error:
        first = next((line for line in complaints("".join(said))), "")
        if type(error) is not BuildError or not first:
            raise
        raise BuildError(f"{error.message}: {first}", f"type: less {job.out / LOG}") from None
    finally:
        if job.out.is_dir():
            (job.out / LOG).write_text("".join(said))
    return Built(suite, kernel, job.out, "".join(said), time.monotonic() - began)


@dataclass(frozen=True)
class Boot:
    """What the tests in a machine with that kernel said."""

    code: int
    said: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Every test ran, and none failed."""
        return self.code == 0 and " passed" in self.said and "skipped" not in self.said

    @property
    def first_error(self) -> str:
        lines = self.said.splitlines()
        for start in ("E  ", "FAILED", "ERROR"):
            for line in lines:
                if line.startswith(start):
                    return line.removeprefix("E").strip()
        return lines[-1] if lines else "pytest said nothing"


def boot(built: Built, top: Path, folder: Path, env: Mapping[str, str], python: Path) -> Boot:
    """Boot a suite's kernel and run the smoke tests of the vm layer in it.

    env is that of a test layer (testing.environment).
    """
    if built.kernel.image is None or built.kernel.modules_dir is None:
        raise BuildError(
            f"the packages of {built.kernel.version} brought no image or no modules",
            f"type: rm -r {debian_kernel.store(built.suite)}, then the same again",
        )
    arch = built.kernel.arch
    name = f"vm-{built.suite}" if kernels.is_native(arch) else f"vm-{built.suite}-{arch}"
    config = folder / f"{name}.json"
    Target(
        kernel_image=built.kernel.image,
        modules_dir=built.kernel.modules_dir,
        kernel_version=built.kernel.version,
        work_dir=folder / name,
        root=top,
        netmap_ko=built.module,
        bin_dir=Path(env["NETMAP_BIN_DIR"]),
        lib_dir=Path(env["NETMAP_LIB_DIR"]),
        cc=env["CC"],
        arch=arch,
        busybox=None if kernels.is_native(arch) else debs.busybox(arch),
    ).save(config)
    words = [str(python), "-m", "pytest", "tests/vm", "-q", "-m", BOOT_TESTS]
    words += ["-p", "no:cacheprovider"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            words,
            cwd=top,
            env={**env, ENVIRONMENT: str(config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BOOT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Boot(1, f"the tests were stopped after {BOOT_SECONDS} s", BOOT_SECONDS)
    return Boot(done.returncode, done.stdout, time.monotonic() - began)


@dataclass(frozen=True)
class Row:
    """One suite's line of the table."""

    suite: str
    kernel: str = ABSENT
    builds: str = ABSENT  # yes, warnings, no
    boots: str = ABSENT  # yes, no
    error: str = ""
    seconds: int = 0

    @property
    def failed(self) -> bool:
        return self.builds not in (YES, ABSENT) or self.boots == NO


def row(context: testing.Context, suite: str, env: Mapping[str, str], python: Path) -> Row:
    """Try one suite; one that cannot be had is a row of dashes, no failure."""
    began = time.monotonic()
    version, builds, boots = ABSENT, ABSENT, ABSENT
    error = ""
    folder = context.build / "kernels"
    try:
        version = kernels.for_vm(suite).version
        builds = NO
        built = build(
            context.top, folder, suite, jobs=context.jobs, may_install=context.may_install
        )
        builds = "warnings" if built.complaints else YES
        error = (built.complaints or [""])[0]
        boots = NO
        tried = boot(built, context.top, folder, env, python)
        boots = YES if tried.code == 0 else NO
        error = error or (tried.first_error if tried.code else "")
    except suites.SuiteMissing as missing:
        builds, error = ABSENT, missing.message
    except BuildError as stopped:
        error = stopped.message
    return Row(suite, version, builds, boots, error, round(time.monotonic() - began))


def table(rows: Sequence[Row]) -> str:
    """The rows for a person."""
    wide = max([len("kernel"), *(len(one.kernel) for one in rows)]) + 2
    lines = [f"{'suite':<20}{'kernel':<{wide}}{'builds':<10}{'boots':<7}{'time':>6}"]
    lines += [
        f"{one.suite:<20}{one.kernel:<{wide}}{one.builds:<10}{one.boots:<7}{one.seconds:>4} s"
        + (f"  {one.error}" if one.error else "")
        for one in rows
    ]
    return "\n".join(lines)


def run(context: testing.Context) -> int:
    """The matrix target: all suites, a table, build/matrix.json; 1 if any failed."""
    needs.ensure("test-vm", may_install=context.may_install)
    python = venvs.ensure(context.top, venvs.TEST, may_install=context.may_install)
    env = testing.environment(context, testing.plan("test-kernels", True)[0])
    rows = []
    for suite in suites.TABLE:
        say(f"netmap: {suite.name}")
        rows.append(row(context, suite.name, env, python))
    version = (context.top / "VERSION").read_text().strip()
    text = json.dumps({"netmap": version, "kernels": [asdict(one) for one in rows]}, indent=1)
    cache.write_if_changed(context.build / "matrix.json", text + "\n")
    say(f"\n{table(rows)}\n\nnetmap: written to {context.build / 'matrix.json'}")
    return int(any(one.failed for one in rows))


def from_environment() -> tuple[Path, Path, dict[str, str]]:
    """For the tests: the checkout, where to build, and the environment of their layer."""
    top = Path(__file__).parents[2]
    return top, Path(os.environ["NETMAP_BUILD_DIR"]) / "kernels", dict(os.environ)
