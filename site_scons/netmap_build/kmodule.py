# SPDX-License-Identifier: BSD-2-Clause
"""netmap.ko: resolve the kernel, probe it, run kbuild once.

Three steps, each a node of the build: kernel.json says which kernel tree and compiler (fetching
the embedded default where it is missing), netmap_probes.h says what that tree offers (cached by
its fingerprint), and one make over the staged tree builds the module.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import builders, cache, kernels, needs, staging
from .errors import BuildError

PROBES = "netmap_probes.h"
COMMANDS = "compile_commands.json"
TO_BE_FETCHED = "to be fetched"
FORMAT = "3"  # of kernel.json: another number writes it anew


@dataclass(frozen=True)
class Job:
    """One module build: where, for what, how."""

    top: Path
    out: Path  # build/<os>-<arch>-<kernel>
    choice: kernels.Choice
    jobs: int = 1
    verbose: bool = False
    may_install: bool = True
    make_words: tuple[str, ...] = ()
    name: str = "netmap"
    on_output: Callable[[str], None] | None = None  # takes what kbuild says, else it is printed

    @property
    def words(self) -> tuple[str, ...]:
        """The words for kbuild's make: those of the architecture, then those asked for."""
        return (*kernels.arch_words(self.choice.arch), *self.make_words)

    @property
    def stage(self) -> Path:
        return self.out / "stage"

    @property
    def module(self) -> Path:
        return self.stage / f"{self.name}.ko"

    @property
    def kernel_json(self) -> Path:
        return self.out / "kernel.json"

    @property
    def commands_json(self) -> Path:
        return self.out / COMMANDS


def signature(choice: kernels.Choice) -> str:
    """What is known of the kernel before any node runs."""
    wishes = f"{FORMAT} {choice.wanted} {[(str(t.folder), t.version) for t in choice.trees]}"
    if choice.kernel is None:
        return f"{TO_BE_FETCHED} {wishes}"
    folder = choice.kernel.headers_dir
    return f"{choice.arch} {folder} {kernels.fingerprint(folder, choice.arch)} {wishes}"


def write_kernel(job: Job) -> None:
    """kernel.json: the tree and compiler that the next steps use."""
    needs.ensure("module", job.choice.arch, may_install=job.may_install)
    kernel = job.choice.kernel or kernels.for_vm(job.choice.suite, job.choice.arch)
    tree = kernels.check_wishes(job.choice, kernel)
    if kernels.LENIENT not in job.words:
        kernels.check_symbols(kernel)
    compiler, llvm = kernels.compiler_of(kernel.headers_dir, kernel.arch)
    builder = builders.choose(kernel, compiler)
    version = builders.compiler_version(builder, compiler, llvm, job.may_install)
    if not any(word.startswith("CC=") for word in job.words):
        kernels.check_compiler(kernel, version)
    facts = {
        "version": kernel.version,
        "arch": kernel.arch,
        "headers": str(kernel.headers_dir),
        "fingerprint": kernels.fingerprint(kernel.headers_dir, kernel.arch),
        "compiler": version,
        "llvm": llvm,
        "words": kernels.compiler_words(kernel.headers_dir, compiler, llvm),
        "builder": builder.facts(),
        "sources": str(tree.folder) if tree else "",  # drivers of the kernel come from there
    }
    cache.write_if_changed(job.kernel_json, json.dumps(facts, indent=1) + "\n")


def make(job: Job, goal: str) -> None:
    """One make over the staged tree; its last lines stand in the error."""
    facts = json.loads(job.kernel_json.read_text())
    command = ["make", "-C", str(job.stage), f"-j{job.jobs}", f"KDIR={facts['headers']}"]
    command += ["V=1"] if job.verbose else ["--no-print-directory"]
    command += [*facts["words"], *job.words, goal]
    if job.verbose:
        print(shlex.join(command), flush=True)
    headers = Path(facts["headers"])
    code, _ = builders.run(
        builders.from_facts(facts["builder"]),
        command,
        may_install=job.may_install,
        writable=[job.stage],
        readable=[headers.parents[2]] if len(headers.parents) > 3 else [headers],
        on_output=job.on_output,
    )
    if code:
        raise BuildError(
            f"kbuild stopped for kernel {facts['version']}; its message stands above",
            "type: ./sconsw verbose=1 module",
        )


def probe_sources(files: list[str]) -> list[str]:
    """The staged files that decide what the probes ask."""
    return [
        name
        for name in files
        if name.startswith("linux/probes") or name in ("linux/Kbuild", "linux/Makefile")
    ]


def probes_key(job: Job, files: list[str]) -> str:
    """Kernel tree, compiler and questions, as one word."""
    facts = json.loads(job.kernel_json.read_text())
    digest = hashlib.sha256(f"{facts['fingerprint']} {facts['compiler']}".encode())
    for word in job.words:
        digest.update(b"\0" + word.encode())
    for name in probe_sources(files):
        content = (job.top / name).read_bytes()
        digest.update(f"\0{name} {len(content)}\0".encode() + content)
    return digest.hexdigest()


def probe(job: Job) -> None:
    """stage/netmap_probes.h: from the cache, else by one parallel kbuild pass."""
    files = staging.sources(job.top)
    staging.sync(job.top, job.stage, files)
    result = job.stage / PROBES
    stored = cache.root() / "probes" / probes_key(job, files) / PROBES
    if not stored.exists():
        result.unlink(missing_ok=True)
        make(job, "probes")
        with cache.new_folder(stored.parent) as scratch:
            (scratch / PROBES).write_text(result.read_text())
    cache.write_if_changed(result, stored.read_text())


def build(job: Job) -> None:
    """The module and stage/Module.symvers."""
    staging.sync(job.top, job.stage, staging.sources(job.top))
    make(job, "modules")
    compile_commands(job)


def compile_commands(job: Job) -> None:
    """kbuild's own records of its commands, for editors, with the names of the sources."""
    entries = []
    staged = staging.layout(staging.sources(job.top))
    for record in sorted(job.stage.rglob(".*.o.cmd")):
        lines = record.read_text(errors="replace").splitlines()
        first = lines[0] if lines else ""
        _, _, command = first.partition(" := ")
        source = next((word for word in reversed(command.split()) if word.endswith(".c")), "")
        try:
            name = Path(source).relative_to(job.stage).as_posix()
        except ValueError:
            continue
        if name in staged:
            entries.append(
                {
                    "directory": str(json.loads(job.kernel_json.read_text())["headers"]),
                    "command": command.partition(" ; ")[0],
                    "file": str(job.top / staged[name]),
                }
            )
    cache.write_if_changed(job.commands_json, json.dumps(entries, indent=1))
