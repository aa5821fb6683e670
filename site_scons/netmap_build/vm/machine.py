# SPDX-License-Identifier: BSD-2-Clause
"""A virtual machine as tests and tools use it: give it steps, get back what each of them said."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import BuildError
from . import kvm, qemu
from .agent import Step
from .dmesg import problems
from .initramfs import Contents, build
from .modules import Module, ModuleTree, module_name, read_module, version_magic
from .protocol import Parser, StepResult
from .target import Target

_KEPT_RUNS = 3


@dataclass(frozen=True)
class VmResult:
    """All that came out of one boot."""

    steps: dict[str, StepResult]
    console: str
    dmesg: str
    seconds: float
    timed_out: bool
    done: bool
    problems: list[str]
    folder: Path

    def step(self, name: str) -> StepResult:
        """That step; an empty result that never ended when the guest did not get there."""
        return self.steps.get(name, StepResult(name))

    def describe_end(self) -> str:
        """Why the machine did not come to its end, or an empty string when it did."""
        if self.done:
            return ""
        how = "was killed at its time-out" if self.timed_out else "stopped before its last step"
        tail = "\n".join("    " + line for line in self.console.splitlines()[-30:])
        return f"the machine {how} after {self.seconds:.0f} s; the console ends with\n{tail}"


@dataclass(frozen=True)
class Vm:
    """A machine for one build of netmap.

    netmap.ko lies at /lib/netmap.ko in the guest and what it depends on is loaded at boot; loading
    it is a step's business. The modules named here are loaded at boot, in this order.
    """

    target: Target
    modules: tuple[str, ...] = ()
    programs: tuple[Path, ...] = ()
    extra_files: dict[str, Path] = field(default_factory=dict)
    hardware: qemu.Hardware = field(default_factory=qemu.Hardware)
    settle_seconds: int = 0

    def run(
        self,
        steps: list[Step],
        timeout: float,
        name: str = "vm",
        on_line: Callable[[str, str], None] | None = None,
    ) -> VmResult:
        """Boot, run the steps in order, power off. Timeout is in seconds of this machine.

        Console, results and QEMU's own messages stay in a new folder under the target's work
        folder; those of the last few runs of that name are kept. on_line is called with step and
        text for each line while the guest runs.
        """
        names = [step.name for step in steps]
        if len(set(names)) != len(names):
            raise ValueError(f"two steps have one name: {names}")
        self.target.work_dir.mkdir(parents=True, exist_ok=True)
        folder = _new_folder(self.target.work_dir, name)
        token = secrets.token_hex(8)
        image = folder / "initramfs"
        image.write_bytes(build(self._contents(), steps, token))
        console, results = folder / "console", folder / "results"
        hardware, target = self._hardware(), self.target
        argv = qemu.command(hardware, target.arch, target.kernel_image, image, console, results)
        (folder / "command").write_text("\n".join(argv) + "\n")
        parser = Parser(token, on_line=on_line)
        ended = qemu.run(argv, results, folder / "stderr", parser, timeout)
        image.unlink()
        console_text = console.read_text("utf-8", "replace") if console.exists() else ""
        if not parser.booted and not ended.timed_out and not console_text:
            said = (folder / "stderr").read_text("utf-8", "replace").strip()
            raise BuildError(f"QEMU did not start: {said}", f"type: less {folder}/console")
        log = "\n".join(parser.log)
        found = [f"at start-up: {line}" for line in parser.stray if line.strip()]
        found += problems(log if parser.done else console_text)
        return VmResult(
            steps=parser.steps,
            console=console_text,
            dmesg=log,
            seconds=ended.seconds,
            timed_out=ended.timed_out,
            done=parser.done,
            problems=found,
            folder=folder,
        )

    def _hardware(self) -> qemu.Hardware:
        if self.hardware.accel or self.hardware.icount:
            return self.hardware
        emulated = kvm.obstacle(self.target) != ""
        return replace(self.hardware, accel=qemu.EMULATION if emulated else "kvm")

    def _contents(self) -> Contents:
        files = dict(self.extra_files)
        extra: tuple[Module, ...] = ()
        if self.target.netmap_ko is not None:
            extra = (_own_module(self.target.netmap_ko, self.target.kernel_version),)
            files["lib/netmap.ko"] = self.target.netmap_ko
        boot: list[Module] = []
        if self.modules or extra:
            tree = ModuleTree(self.target.modules_dir)
            boot = tree.load_order(list(self.modules), extra)
        return Contents(
            programs=self.programs,
            library_dirs=self.target.library_dirs,
            boot_modules=tuple(boot),
            extra_files=files,
            settle_seconds=self.settle_seconds,
            arch=self.target.arch,
            busybox=self.target.busybox,
            cc=self.target.cc,
        )


def _new_folder(work_dir: Path, name: str) -> Path:
    earlier = [path for path in work_dir.glob(f"{name}-*") if path.is_dir()]
    for path in sorted(earlier, key=lambda path: path.stat().st_mtime)[:-_KEPT_RUNS]:
        shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work_dir))


def _own_module(path: Path, kernel_version: str) -> Module:
    if not path.exists():
        raise BuildError(f"no module {path}", "type: ./sconsw")
    data = read_module(path)
    built_for = version_magic(data)
    if kernel_version and built_for != kernel_version:
        raise BuildError(
            f"{path.name} was built for {built_for}, the machine boots {kernel_version}",
            "type: ./sconsw kernel=" + kernel_version,
        )
    return Module(module_name(path), data)
