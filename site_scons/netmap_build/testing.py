# SPDX-License-Identifier: BSD-2-Clause
"""Running the test layers under pytest, each within a wall budget, with a closing table."""

from __future__ import annotations

import importlib
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import debian_kernel, debs, interrupts, kernels, needs, toolchains, venvs
from .errors import BuildError, report, say
from .vm import kvm
from .vm.target import Target
from .vm.target import load as load_target

LEAST_PATIENCE = 600  # seconds: a busy machine is no hang
NO_TESTS = 5  # pytest's exit code for a run that collected nothing


@dataclass(frozen=True)
class Layer:
    """Tests that run as one pytest: their folder, wall budgets in seconds, what is left out."""

    name: str
    folder: str
    budget: int  # of `test`
    full_budget: int  # of `test-all`
    short: str = "not slow"  # what `test` takes, as a pytest mark expression
    full: str = ""  # what `test-all` takes; nothing: everything
    variables: tuple[tuple[str, str], ...] = ()  # of its environment
    parallel: bool = True
    arch: str = ""  # of the build under test, where it is not this machine's
    more: tuple[str, ...] = ()  # words for pytest
    everything: bool = False

    @property
    def seconds(self) -> int:
        return self.full_budget if self.everything else self.budget

    @property
    def marks(self) -> str:
        return self.full if self.everything else self.short


# Tests that start C programs build them in the variants they want: they run once, not per variant.
LIBRARY = "not programs"
QUICK_LIBRARY = f"not slow and {LIBRARY}"
ASAN = (("NM_VARIANT", "asan"), ("ASAN_OPTIONS", "detect_leaks=0"))
# The program overwrites what the core has just read: with wild values, with plausible ones.
WILD = (("NM_VARIANT", "hostile"), ("NM_HOSTILE", "1"))
PLAUSIBLE = (("NM_VARIANT", "hostile"), ("NM_HOSTILE", "2"))

LAYERS = (
    Layer("unit", "unit", 50, 90),
    Layer("hosted", "hosted", 80, 570),
    Layer("hosted-asan", "hosted", 30, 180, QUICK_LIBRARY, LIBRARY, ASAN),
    Layer("hosted-wild", "hosted", 20, 120, QUICK_LIBRARY, LIBRARY, WILD),
    Layer("hosted-plausible", "hosted", 20, 120, QUICK_LIBRARY, LIBRARY, PLAUSIBLE),
    # Each file builds its programs once, on one of the processors.
    Layer("libnetmap", "libnetmap", 25, 60, more=("--dist", "loadfile")),
    # Each of these builds more than it runs, and once is enough.
    Layer("abi", "abi", 15, 30, parallel=False),
    Layer("cross", "cross", 20, 120, parallel=False),
    Layer("install", "install", 0, 30, parallel=False),
    Layer("vm", "vm", 40, 840, short="smoke", parallel=False),
    # Emulated wherever it runs: the guests' part of the smoke tests, and looks at what was built.
    Layer(
        "arm64",
        "arm64",
        *(0, 180),
        full="smoke",
        parallel=False,
        arch="aarch64",
        more=("tests/vm", "-k", "not harness"),
    ),
    # Images of two suites, four builds, three boots.
    Layer("kernels", "kernels", 0, 360, parallel=False),
    # A clean Debian, and all that a newcomer downloads there.
    Layer("containers", "containers", 0, 300, parallel=False),
)


@dataclass(frozen=True)
class Context:
    """Where the tests find what was built."""

    top: Path
    build: Path
    user_build: Path
    kernel_build: Path
    cc: str
    pytest_args: str
    may_install: bool
    jobs: int
    module_name: str = "netmap"
    arch: str = field(default_factory=platform.machine)
    beside: Path | None = None  # the user build of this machine, where arch is another
    suite: str = ""  # whose kernel VMs boot; nothing: this system's own


@dataclass(frozen=True)
class Result:
    """How one layer went."""

    layer: Layer
    seconds: float
    code: int

    @property
    def word(self) -> str:
        if self.code == 0:
            return "passed"
        return "no tests" if self.code == NO_TESTS else "FAILED"


def plan(target: str, everything: bool) -> tuple[Layer, ...]:
    """The layers of a target: all of them for test-all, else those of one folder.

    test takes those that have a budget there.
    """
    wanted = target.removeprefix("test-")
    layers = tuple(
        layer
        for layer in LAYERS
        if wanted in ("all", layer.folder) or (wanted == "test" and layer.budget)
    )
    return tuple(replace(layer, everything=everything) for layer in layers)


def foreign(layers: tuple[Layer, ...]) -> set[str]:
    """The architectures that layers name."""
    return {layer.arch for layer in layers if layer.arch}


def environment(context: Context, layer: Layer) -> dict[str, str]:
    """The variables by which tests find what was built; tests name no path themselves."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env |= {
        "NETMAP_BUILD_PYTHON": sys.executable,
        "NETMAP_BUILD_DIR": str(context.build),
        "NETMAP_BIN_DIR": str(context.user_build / "bin"),
        "NETMAP_LIB_DIR": str(context.user_build / "lib"),
        "NETMAP_HOSTED_DIR": str(context.build / "hosted"),
        "NETMAP_TEST_ALL": "1" if layer.everything else "0",
        "NETMAP_MAY_INSTALL": str(int(context.may_install)),
        "CC": context.cc,
    }
    env |= dict(layer.variables)
    if layer.variables == ASAN:
        env["LD_PRELOAD"] = sanitizer_library(context.cc)
    if layer.folder in ("abi", "cross"):
        env["NETMAP_ZIG"] = str(toolchains.zig("0.17.1", context.top))
        env["NETMAP_ZIG_FREEBSD14"] = str(toolchains.zig("0.15.2", context.top))
    if context.beside is not None:
        env["NETMAP_NATIVE_LIB_DIR"] = str(context.beside / "lib")
    if layer.folder == "install":
        env["NETMAP_VM_CONFIG"] = str(vm_config(context))
    if layer.folder in ("vm", "arm64"):
        config = vm_config(context)
        env["NETMAP_VM_CONFIG"] = str(config)
        kvm.announce(load_target(config))
    return env


def sanitizer_library(cc: str) -> str:
    """AddressSanitizer's run-time library: Python itself was not built with it."""
    done = subprocess.run(
        [cc, "-print-file-name=libasan.so"], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def vm_config(context: Context) -> Path:
    """The kernel that VMs boot and the build that goes into them, in a file; its path."""
    kernel = kernels.for_vm(context.suite, context.arch)
    native = context.arch == platform.machine()
    name = "-".join(["vm", *([] if native else [context.arch]), *filter(None, [context.suite])])
    built = json.loads((context.kernel_build / "kernel.json").read_text())["version"]
    if built != kernel.version or kernel.image is None or kernel.modules_dir is None:
        raise BuildError(
            f"netmap.ko was built for {built}, the VM would boot {kernel.version}",
            "type: ./sconsw fetch, then the same again",
        )
    if not (kernel.modules_dir / "modules.dep").exists():
        debian_kernel.depmod(kernel.modules_dir)
    target = Target(
        kernel_image=kernel.image,
        modules_dir=kernel.modules_dir,
        kernel_version=kernel.version,
        work_dir=context.build / name,
        root=context.top,
        netmap_ko=context.kernel_build / "stage" / f"{context.module_name}.ko",
        bin_dir=context.user_build / "bin",
        lib_dir=context.user_build / "lib",
        cc=context.cc,
        arch=context.arch,
        busybox=None if native else debs.busybox(context.arch),
    )
    file = context.build / f"{name}.json"
    target.save(file)
    return file


def command(context: Context, layer: Layer, python: Path) -> list[str]:
    """The pytest command of a layer."""
    words = [str(python), "-m", "pytest", f"tests/{layer.folder}", *layer.more, "-q"]
    if layer.parallel and context.jobs > 1:
        words += ["-n", str(context.jobs)]
    if layer.marks:
        words += ["-m", layer.marks]
    return words + shlex.split(context.pytest_args)


def run_layer(context: Context, layer: Layer) -> Result:
    """One pytest, stopped with all it started when it hangs."""
    began = time.monotonic()
    try:
        needs.ensure(f"test-{layer.folder}", may_install=context.may_install)
        python = venvs.ensure(context.top, venvs.TEST, may_install=context.may_install)
        words = command(context, layer, python)
        env = environment(context, layer)
    except BuildError as error:
        report(error)
        return Result(layer, time.monotonic() - began, 1)
    patience = max(LEAST_PATIENCE, 3 * layer.seconds)
    say(f"netmap: {layer.name} tests")
    process = subprocess.Popen(words, cwd=context.top, env=env, start_new_session=True)
    try:
        with interrupts.stopped_by(lambda: stop(process)):
            code = process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        stop(process)
        say(f"netmap: the {layer.name} tests were stopped after {patience} s")
        code = 1
    except BaseException:
        stop(process)
        raise
    return Result(layer, time.monotonic() - began, code)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a layer and all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def table(results: list[Result]) -> str:
    """Time and budget of each layer."""
    lines = [f"{'layer':<18}{'time':>8}{'budget':>9}  result"]
    for result in results:
        late = ", over budget" if result.seconds > result.layer.seconds else ""
        lines.append(
            f"{result.layer.name:<18}{result.seconds:>6.0f} s{result.layer.seconds:>7} s"
            f"  {result.word}{late}"
        )
    total = sum(result.seconds for result in results)
    budget = sum(result.layer.seconds for result in results)
    lines.append(f"{'all':<18}{total:>6.0f} s{budget:>7} s")
    return "\n".join(lines)


def run(
    layers: tuple[Layer, ...], context: Context, others: dict[str, Context] | None = None
) -> int:
    """Run every layer, also after one failed; print the table; 1 if any failed.

    others: where the builds for other architectures are, for the layers that name one.
    """
    contexts = {"": context} | (others or {})
    results = []
    for layer in layers:
        if not interrupts.HAPPENED.is_set():
            results.append(run_layer(contexts[layer.arch], layer))
    say("\n" + table(results))
    return int(any(result.code for result in results))


def run_vm_command(name: str, words: str, context: Context) -> int:
    """The `try` and `bench` targets: one module of netmap_build.vm each."""
    module = importlib.import_module(f"netmap_build.vm.{'tryout' if name == 'try' else name}")
    argv = ["--config", str(vm_config(context)), *shlex.split(words)]
    try:
        return int(module.main(argv, context.top))
    except SystemExit as stop:  # argparse answers -h and wrong words by leaving
        return stop.code if isinstance(stop.code, int) else 1
