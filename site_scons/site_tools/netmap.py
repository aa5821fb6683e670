# SPDX-License-Identifier: BSD-2-Clause
"""The SCons side of the build: thin builders over the plain Python in netmap_build."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netmap_build import (
    arch,
    cache,
    closing,
    fetching,
    fuzzing,
    install,
    kernels,
    kmodule,
    layout,
    needs,
    ownership,
    staging,
    system_packages,
    testing,
)
from netmap_build import programs as programs_in
from netmap_build.errors import BuildError
from netmap_build.session import Session

Nodes = list[Any]
ACTING = threading.Lock()  # SCons runs targets in parallel; tests and VMs want the machine alone


class Step:
    """A plain function as SCons calls it; its errors are told when the run ends.

    A class, because SCons signs an action by its code and its closure: what changes from run to
    run must not be in a closure.
    """

    def __init__(self, work: Callable[[], int | None]) -> None:
        self.work = work

    def __call__(self, target: Nodes, source: Nodes, env: Any) -> int:
        closing.worked()
        try:
            return self.work() or 0
        except (BuildError, OSError) as error:
            closing.note(error, env["RUN"].top)
            return 1


def action(env: Any, message: str, work: Callable[[], int | None]) -> Any:
    """An SCons action that prints one line, or none, and calls a function."""
    return env.Action(Step(work), message or None)


def kernel_module(env: Any, choice: kernels.Choice) -> Nodes:
    """netmap.ko for one kernel: kernel.json, netmap_probes.h and one kbuild run."""
    run: Session = env["RUN"]
    job = kmodule.Job(
        run.top,
        run.kernel_build(choice),
        choice,
        env.GetOption("num_jobs"),
        run.options.verbose,
        not run.options.no_install,
        run.module_words,
        run.options.mod_name,
    )
    if str(job.out) in env["MODULES"]:
        return list(env["MODULES"][str(job.out)])
    files = staging.sources(run.top)
    words = env.Value(json.dumps(job.make_words))
    where = env.Dir(str(job.out)).path
    facts = env.Command(
        str(job.kernel_json),
        env.Value(kmodule.signature(choice)),
        action(env, f"KERNEL  {where}/kernel.json", lambda: kmodule.write_kernel(job)),
    )
    probes = env.Command(
        str(job.stage / kmodule.PROBES),
        [facts, words, *[f"#{name}" for name in kmodule.probe_sources(files)]],
        action(env, f"PROBE   {where}/stage/{kmodule.PROBES}", lambda: kmodule.probe(job)),
    )
    outputs = [job.module, job.stage / "Module.symvers", job.commands_json]
    module = env.Command(
        [str(path) for path in outputs],
        [facts, probes, words, *[f"#{name}" for name in files]],
        action(env, f"KBUILD  {where}/stage/{job.module.name}", lambda: kmodule.build(job)),
    )
    env.Precious(facts, probes, module)
    env["MODULES"][str(job.out)] = module
    return list(module)


def objects(env: Any, folder: str, sources: list[str], **flags: Any) -> Nodes:
    """Compile C files to position independent objects under a folder, and note the commands."""
    built: Nodes = []
    for source in sources:
        stem = source.removesuffix(".c")
        made = env.SharedObject(f"{folder}/{stem}.os", f"#{source}", **flags)
        env["COMPILED"].append((env.Override(flags), made, env.File(f"#{source}")))
        built += made
    if env["NEEDED"]:
        env.Requires(built, env["NEEDED"])
    return built


def user_library(env: Any, folder: str, name: str, major: str) -> Nodes:
    """A library of the checkout: shared, with its version script, and static."""
    run: Session = env["RUN"]
    files = sorted(path.name for path in (run.top / folder).glob("*.c"))
    flags = {"CPPPATH": ["#common/include", f"#{folder}"]}
    out = str(run.user_build)
    made = objects(env, f"{out}/obj", [f"{folder}/{name}" for name in files], **flags)
    script = f"{folder}/lib{name}.map"
    shared = env.SharedLibrary(
        f"{out}/lib/lib{name}.so.{major}",
        made,
        SHLIBSUFFIX="",
        LINKFLAGS=[
            *env["LINKFLAGS"],
            f"-Wl,-soname,lib{name}.so.{major}",
            f"-Wl,--version-script,{script}",
        ],
    )
    env.Depends(shared, f"#{script}")
    link = env.Command(
        f"{out}/lib/lib{name}.so",
        shared,
        action(env, "", lambda: cache.link(f"lib{name}.so.{major}", f"{out}/lib/lib{name}.so")),
    )
    env["LIBRARY"] = env.StaticLibrary(f"{out}/lib/lib{name}.a", made)
    return [*shared, *link, *env["LIBRARY"]]


def programs(env: Any, folder: str) -> Nodes:
    """Every program that has a folder of its own, linked with the static library."""
    run: Session = env["RUN"]
    built: Nodes = []
    for name in programs_in.chosen(run.top / folder, run.options.apps, run.options.no_apps):
        files = sorted(path.name for path in (run.top / folder / name).glob("*.c"))
        made = objects(
            env,
            f"{run.user_build}/obj",
            [f"{folder}/{name}/{file}" for file in files],
            CPPPATH=["#common/include", "#libnetmap", f"#{folder}/{name}"],
        )
        built += env.Program(
            f"{run.user_build}/bin/{name}", [*made, env["LIBRARY"]], LIBS=["pthread"]
        )
    return built


def compile_commands(env: Any) -> None:
    """compile_commands.json at the top: the user programs' commands and kbuild's."""
    run: Session = env["RUN"]
    kernel = Path(str(run.kernel_build(env["CHOICE"]))) / kmodule.COMMANDS
    user = [
        {
            "directory": str(run.top),
            "file": source.path,
            "command": compiled.subst("$SHCCCOM", target=made, source=[source]),
        }
        for compiled, made, source in env["COMPILED"]
    ]

    def write() -> None:
        entries = user + json.loads(kernel.read_text())
        cache.write_if_changed(run.top / "compile_commands.json", json.dumps(entries, indent=1))

    made = env.Command(
        "#compile_commands.json",
        [str(kernel), env.Value(json.dumps(user))],
        action(env, "", write),
    )
    env.Alias("all", made)


def current(env: Any) -> None:
    """build/current: what the last build made, under names that stay."""
    run: Session = env["RUN"]
    links = {
        "netmap.ko": run.kernel_build(env["CHOICE"]) / "stage" / f"{run.options.mod_name}.ko",
        "bin": run.user_build / "bin",
        "lib": run.user_build / "lib",
    }
    text = "".join(f"{name} -> {target}\n" for name, target in links.items())
    folder = run.build / "current"

    def make() -> None:
        for name, target in links.items():
            cache.link(os.path.relpath(target, folder), str(folder / name))
        cache.write_if_changed(folder / "links", text)

    env.Alias("all", env.Command(str(folder / "links"), env.Value(text), action(env, "", make)))


def action_target(env: Any, name: str, nodes: Nodes, work: Callable[[], int | None]) -> None:
    """A target that acts every time it is asked for, once its nodes are built."""
    run: Session = env["RUN"]

    def prepared() -> int | None:
        with ACTING:
            needs.ensure(name, run.arch.name, may_install=not run.options.no_install)
            return work()

    said = name if env.GetOption("no_exec") else ""  # what -n would do; else the work speaks
    env.AlwaysBuild(env.Alias(name, nodes, action(env, said, prepared)))


def context(env: Any, arch: str = "", suite: str = "") -> testing.Context:
    """Where tests and VMs find what is built, for one architecture and kernel.

    Without a suite that is the distribution's own.
    """
    run: Session = env["RUN"] if not arch else env["RUN"].for_arch(arch)
    name = run.arch.name
    choice = kernels.suite_choice(suite, name) if suite else kernels.default_choice("", name)
    return testing.Context(
        run.top,
        run.build,
        run.user_build,
        run.kernel_build(choice),
        run.cc,
        run.options.pytest_args,
        not run.options.no_install,
        os.cpu_count() or 1,
        run.options.mod_name,
        name,
        suite=suite,
    )


def for_arch(env: Any, name: str) -> Any:
    """The environment for an architecture: this one where it is the same, else a copy.

    The copy's commands stay out of compile_commands.json.
    """
    run: Session = env["RUN"]
    if run.arch.name == name:
        return env
    other = run.for_arch(name)
    made = env.Clone(RUN=other, COMPILED=[])
    compilers(made)
    made["NEEDED"] = install_needs(made)
    return made


def compilers(env: Any) -> None:
    """The tools for the architecture that is built for."""
    run: Session = env["RUN"]
    arch.check_compiler(run.cc, run.arch)
    ar, ranlib = arch.archiver(run.arch)
    env.Replace(CC=run.cc, LINK=run.options.ld or run.cc, AR=ar, RANLIB=ranlib)


def test_target(
    env: Any, name: str, nodes: Nodes, everything: bool = False, suite: str = ""
) -> None:
    """A test target: some layers under pytest, with a table of times at the end."""
    layers = testing.plan(name, everything)
    where = context(env, suite=suite)
    others = {
        word: dataclasses.replace(context(env, word), beside=where.user_build)
        for word in testing.foreign(layers)
    }
    action_target(env, name, nodes, lambda: testing.run(layers, where, others))


def matrix_target(env: Any, name: str, nodes: Nodes) -> None:
    """Every supported kernel, in a table."""
    where = context(env)

    def work() -> int:
        from netmap_build import matrix  # late: only this target wants it

        return matrix.run(where)

    action_target(env, name, nodes, work)


def vm_target(env: Any, name: str, nodes: Nodes, words: str, suite: str = "") -> None:
    """A target that boots a VM with what was built."""
    where = context(env, suite=suite)
    action_target(env, name, nodes, lambda: testing.run_vm_command(name, words, where))


def fuzz_target(env: Any, name: str, words: str) -> None:
    """A target that fuzzes; it builds what it needs itself, from the hosted core."""
    run: Session = env["RUN"]
    place = fuzzing.Place(run.top, run.build / "hosted", run.build / "fuzz")
    cpus = os.cpu_count() or 1
    action_target(env, name, [], lambda: fuzzing.run(place, words, cpus))


def fetch_target(env: Any, name: str) -> None:
    """Everything that the build and the tests would download later."""
    run: Session = env["RUN"]
    may_install = not run.options.no_install
    choice: kernels.Choice = env["CHOICE"]
    action_target(env, name, [], lambda: fetching.everything(run.top, choice, may_install))


def install_target(env: Any, name: str, asked: bool) -> None:
    """Everything built, then one step of plain Python, which root may do on its own."""
    run: Session = env["RUN"]
    choice: kernels.Choice = env["CHOICE"]
    if asked and not env.GetOption("no_exec"):
        install.check_kernel(run.order, choice.kernel.version if choice.kernel else None)
    out = run.kernel_build(choice)
    names = programs_in.chosen(run.top / "apps", run.options.apps, run.options.no_apps)

    def work() -> int:
        built = layout.Built(
            run.version,
            json.loads((out / "kernel.json").read_text())["version"],
            out / "stage" / f"{run.options.mod_name}.ko",
            out / "stage" / "Module.symvers",
            run.user_build / "lib",
            tuple(run.user_build / "bin" / program for program in names),
        )
        return ownership.as_root("install", install.arguments(run.top, built, run.order))

    action_target(env, name, ["all"], work)


def install_needs(env: Any) -> Nodes:
    """A node before every compilation, only where something is missing."""
    run: Session = env["RUN"]
    wanted = needs.wanted_by("lib", run.arch.name)
    if run.options.cc:  # what brings headers is still needed, no other compiler
        wanted = [need for need in wanted if not need.program]
    missing = needs.packages(wanted)
    if not missing:
        return []
    stamp = run.build / f"needs-{run.arch.name}"

    def get() -> None:
        purpose = f"compiling for {run.arch.name}"
        system_packages.install(missing, purpose, may_install=not run.options.no_install)
        cache.write_if_changed(stamp, " ".join(missing) + "\n")

    return list(env.Command(str(stamp), env.Value(missing), action(env, "", get)))


def short_messages(env: Any) -> None:
    """One short line a file instead of the command; verbose=1 shows the command."""
    for variable, word in (
        ("SHCCCOMSTR", "CC      $SOURCE"),
        ("ARCOMSTR", "AR      $TARGET"),
        ("RANLIBCOMSTR", "RANLIB  $TARGET"),
        ("SHLINKCOMSTR", "LINK    $TARGET"),
        ("LINKCOMSTR", "LINK    $TARGET"),
    ):
        env[variable] = word


def generate(env: Any) -> None:
    """Set up the C tools without probing the machine, and add our builders."""
    run: Session = env["RUN"]
    for tool in ("gcc", "gnulink", "ar"):
        env.Tool(tool)
    env.Replace(
        ENV={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
        CCFLAGS=[
            *["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter"],
            f"-ffile-prefix-map={run.top}=.",  # the same bytes wherever the checkout lies
        ],
        ARFLAGS=["rcD"],
        RANLIBFLAGS=["-D"],
        SHOBJSUFFIX=".os",
        STATIC_AND_SHARED_OBJECTS_ARE_THE_SAME=1,
        LINKFLAGS=[],
        COMPILED=[],
        MODULES={},
    )
    compilers(env)
    env["NEEDED"] = install_needs(env)
    if not run.options.verbose:
        short_messages(env)
    env.AddMethod(for_arch, "ForArch")
    env.AddMethod(kernel_module, "KernelModule")
    env.AddMethod(objects, "Objects")
    env.AddMethod(compile_commands, "CompileCommands")
    env.AddMethod(current, "Current")
    env.AddMethod(action_target, "ActionTarget")
    env.AddMethod(test_target, "TestTarget")
    env.AddMethod(vm_target, "VmTarget")
    env.AddMethod(fuzz_target, "FuzzTarget")
    env.AddMethod(fetch_target, "FetchTarget")
    env.AddMethod(matrix_target, "MatrixTarget")
    env.AddMethod(install_target, "InstallTarget")
    env.AddMethod(user_library, "UserLibrary")
    env.AddMethod(programs, "Programs")


def exists(env: Any) -> bool:
    return True
