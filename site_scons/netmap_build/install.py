# SPDX-License-Identifier: BSD-2-Clause
"""`install` and `uninstall`: files of a built tree into a root, and out of it again.

Install writes a manifest that names what is there and what will be, then the folders, then each
file in one step, removes what an older install had and this one has not, and writes the manifest
again. Files that no install wrote, or that somebody changed since, are never overwritten nor
removed. Modules are neither loaded nor unloaded.
"""

from __future__ import annotations

import errno
import grp
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import layout, manifest
from .errors import FAILED, BuildError, report, say
from .layout import Built, Entry, Places
from .manifest import Manifest
from .rooted import Root

SETTINGS = "/etc/"  # files that belong to the administrator once they are there


@dataclass(frozen=True)
class Order:
    """What was asked for: the places, and a root other than this machine's."""

    places: Places
    destdir: str = ""

    @property
    def root(self) -> Root:
        return Root(Path(self.destdir or "/"))

    @property
    def here(self) -> bool:
        """True when this machine is to be changed."""
        return not self.destdir

    def words(self) -> str:
        """The options as a person types them, for a command to type."""
        words = []
        if self.places.prefix != Places.prefix:
            words.append(f" prefix={self.places.prefix}")
        if self.places.libdir != Places.libdir:
            words.append(f" libdir={self.places.libdir}")
        if self.places.mod_path:
            words.append(f" install-mod-path={self.places.mod_path}")
        if self.destdir:
            words.append(f" destdir={self.destdir}")
        return "".join(words)


def main(args: list[str]) -> int:
    """Install, as arguments() says it: the part of the build that root does."""
    top, built, order = args
    raw = json.loads(order)
    try:
        install(Path(top), layout.built_from_json(built), Order(Places(**raw.pop("places")), **raw))
    except BuildError as error:
        report(error)
        return FAILED
    return 0


def arguments(top: Path, built: Built, order: Order) -> list[str]:
    """What main() is called with, maybe in another process as another user."""
    return [str(top), layout.to_json(built), json.dumps(asdict(order))]


def has_kernel(root: Root, modules: str) -> bool:
    """True where a kernel's own modules lie, not merely a folder of that name."""
    folder = root.follow(modules)
    return any((folder / f"modules.{name}").exists() for name in ("order", "builtin"))


def check_kernel(order: Order, release: str | None, machine: Root | None = None) -> None:
    """Refuse a module whose kernel is not on this machine; None: its kernel is not even fetched."""
    if not order.here or order.places.mod_path:
        return
    machine = machine or order.root
    if release is not None and has_kernel(machine, f"/lib/modules/{release}"):
        return
    names = sorted(path.parent.name for path in machine.folder.glob("lib/modules/*/build"))
    hint = f"type: ./sconsw install kernel={names[-1]}" if names else ""
    raise BuildError(
        f"netmap.ko is for {f'kernel {release}' if release else 'a kernel to be fetched'}, "
        "which is not installed on this machine",
        hint or "type: ./sconsw install destdir=FOLDER, and put that where this kernel runs",
    )


@contextmanager
def plain_errors(order: Order, doing: str) -> Iterator[None]:
    """One message for whatever the file system says no to."""
    try:
        yield
    except OSError as error:
        path = str(error.filename2 or error.filename or order.root.folder)
        path = re.sub(r"/\.([^/]+)\.netmap-part$", r"/\1", path)
        hint = f"type: ./sconsw uninstall{order.words()} to remove what is there so far"
        if isinstance(error, PermissionError) and os.geteuid() != 0:
            hint = f"type: sudo ./sconsw {doing}{order.words()}"
        elif error.errno == errno.ENOSPC:
            hint = f"make room, then type: ./sconsw {doing}{order.words()}"
        raise BuildError(f"{path}: {error.strerror}; {doing} stopped", hint) from None


def install(top: Path, built: Built, order: Order) -> None:
    """Everything, then what the person should know."""
    check_kernel(order, built.release)
    with plain_errors(order, "install"):
        wanted = layout.entries(top, built, order.places)
        kept = put(order.root, wanted, built)
    place = order.destdir or order.places.prefix
    say(f"netmap: {len(wanted)} files of netmap {built.version} are installed in {place}")
    for path in kept:
        say(f"netmap: {path} was changed here and stays as it is")
    modules = order.places.modules(built.release)
    if has_kernel(order.root, modules):
        depmod(order, order.places.mod_path, built.release)
    else:
        say(f"netmap: depmod is not run: no kernel {built.release} lies there")
    if order.here:
        ldconfig(order.places.lib)
        say_group()
    if order.here and not order.places.mod_path:
        say_module(built)


def put(root: Root, wanted: list[Entry], built: Built) -> list[str]:
    """Bring a root to what is wanted; returns the settings that stay as somebody made them."""
    if not root.folder.exists():
        root.folder.mkdir(parents=True)
        root.folder.chmod(0o755)
    before = manifest.load(root) or Manifest()
    kept = changed_settings(root, wanted, before)
    refuse_strangers(root, [entry for entry in wanted if entry.path not in kept], before)
    wanted = [entry for entry in wanted if entry.path not in kept]
    folders = set(before.folders)
    for path in [manifest.PATH, *(entry.path for entry in wanted)]:
        folders |= set(root.missing_folders(path))
    new = {entry.path: [entry.content] for entry in wanted}
    new |= {path: before.files[path] for path in kept}
    for path, contents in before.files.items():
        if belongs_to_another_kernel(path, built.release):
            new[path] = contents
    both = {
        path: sorted({*new.get(path, ()), *before.files.get(path, ())})
        for path in {*new, *before.files}
    }
    make_folders(root, root.missing_folders(manifest.PATH))
    manifest.save(root, Manifest(built.version, False, both, sorted(folders)))
    for entry in wanted:
        make_folders(root, root.missing_folders(entry.path))
        write(root, entry)
    left = take(root, {path: before.files[path] for path in before.files if path not in new})
    needed = [*new, manifest.PATH]
    folders -= remove_folders(root, folders, needed)
    manifest.save(root, Manifest(built.version, True, new, sorted(folders)))
    return [*kept, *left]


def changed_settings(root: Root, wanted: Iterable[Entry], before: Manifest) -> list[str]:
    """Settings that we installed and that were changed, or removed, since."""
    return [
        entry.path
        for entry in wanted
        if entry.path.startswith(SETTINGS)
        and entry.path in before.files
        and before.complete
        and not before.is_ours(entry.path, root.content(entry.path))
    ]


def refuse_strangers(root: Root, wanted: Iterable[Entry], before: Manifest) -> None:
    """Nothing that an install did not write is overwritten."""
    strangers = []
    for entry in wanted:
        content = root.content(entry.path)
        if content not in ("", entry.content) and not before.is_ours(entry.path, content):
            strangers.append(str(root.place(entry.path)))
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise BuildError(
            f"{strangers[0]}{more} is not as an install of this project left it; nothing is done",
            f"move it away and type the same again: mv {strangers[0]} {strangers[0]}.old",
        )


def belongs_to_another_kernel(path: str, release: str) -> bool:
    kernel = manifest.module_of(path)
    return kernel is not None and kernel[1] != release


def make_folders(root: Root, folders: Iterable[str]) -> None:
    for folder in folders:
        root.make_folder(folder)


def write(root: Root, entry: Entry) -> None:
    """One entry, unless it is there already."""
    is_there = root.content(entry.path) == entry.content
    if is_there and (entry.link or root.mode(entry.path) == entry.mode):
        return
    if entry.link:
        root.link(entry.path, entry.link)
    else:
        root.write(entry.path, entry.data, entry.mode)


def take(root: Root, files: dict[str, list[str]]) -> list[str]:
    """Remove files as they were installed; returns those that were changed since and stay."""
    changed = []
    for path, contents in sorted(files.items()):
        content = root.content(path)
        if content in ("", *contents):
            root.remove(path)
        else:
            changed.append(path)
    return changed


def remove_folders(root: Root, folders: Iterable[str], needed: Iterable[str] = ()) -> set[str]:
    """Remove those that are empty and hold nothing needed, innermost first; returns the gone."""
    busy = {root.name_of(root.place(path)) for path in needed}
    gone = set()
    for folder in sorted(folders, key=lambda name: name.count("/"), reverse=True):
        if any(path.startswith(f"{folder}/") for path in busy):
            continue
        if root.remove_empty(folder) or not root.follow(folder).exists():
            gone.add(folder)
    return gone


def uninstall(order: Order) -> None:
    """Remove exactly what is installed, and say what had to stay."""
    root = order.root
    with plain_errors(order, "uninstall"):
        found = manifest.load(root)
        if found is None:
            say(f"netmap: nothing of netmap is installed in {root.folder}")
            return
        kept = take(root, found.files)
        root.remove(manifest.PATH)
        remove_folders(root, found.folders)
    say(f"netmap: netmap {found.version} is removed from {root.folder}")
    for path in kept:
        say(f"netmap: {root.place(path)} was changed since it was installed, and stays")
    kernels = {kernel for path in found.files if (kernel := manifest.module_of(path))}
    for base, release in sorted(kernels):
        depmod(order, base, release)
    if order.here:
        ldconfig()
        for name in sorted({Path(path).stem for path in found.files if path.endswith(".ko")}):
            if is_loaded(name):
                say(f"netmap: the module {name} is still loaded; type: rmmod {name}")


def system_program(name: str) -> str | None:
    """A program of the system administrator, whose folders an ordinary user's PATH lacks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def depmod(order: Order, base: str, release: str) -> None:
    """Tell modprobe; in another root only where that kernel's own modules lie there."""
    root = order.root
    modules = layout.under(base or "/", f"lib/modules/{release}")
    if not has_kernel(root, modules):
        return
    program = system_program("depmod")
    folder = root.follow(base or "/")
    command = [program or "depmod", *([] if folder == Path("/") else ["-b", str(folder)]), release]
    if program is None:
        say(f"netmap: depmod is not on this machine; type: {' '.join(command)}")
        return
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        say(f"netmap: depmod failed: {said[0]}; type: {' '.join(command)}")


def ldconfig(lib: str = "") -> None:
    """Refresh the loader's cache; say when the loader does not look into this folder."""
    program = system_program("ldconfig")
    if os.geteuid() == 0 and program is not None:
        subprocess.run([program], stderr=subprocess.DEVNULL, check=False)
    if lib and os.path.realpath(lib) not in loader_folders():
        say(f"netmap: the loader does not look into {lib}; type:")
        say(f"        echo {lib} > /etc/ld.so.conf.d/netmap.conf && ldconfig")


def loader_folders(conf: Path = Path("/etc/ld.so.conf")) -> set[str]:
    """The folders of ld.so.conf and what it includes, and those that are built in."""
    found = {os.path.realpath(name) for name in ("/lib", "/usr/lib", "/lib64", "/usr/lib64")}
    try:
        lines = conf.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                base = Path("/") if pattern.startswith("/") else conf.parent
                for file in sorted(base.glob(pattern.lstrip("/"))):
                    found |= loader_folders(file)
        else:
            found |= {os.path.realpath(word) for word in words}
    return found


def is_loaded(name: str, modules: Path = Path("/proc/modules")) -> bool:
    try:
        lines = modules.read_text().splitlines()
    except OSError:
        return False
    return any(line.split(" ", 1)[0] == name.replace("-", "_") for line in lines)


def say_group(name: str = "netmap") -> None:
    """Who may open the device; making a group is the administrator's business."""
    try:
        grp.getgrnam(name)
    except KeyError:
        say(f"netmap: /dev/netmap is root's alone; to share it, type: groupadd --system {name}")


def say_module(built: Built, running: str = os.uname().release) -> None:
    """How to come to use the module; nothing is loaded or unloaded here."""
    name = built.module.stem
    if built.release != running:
        say(
            f"netmap: {name}.ko is for kernel {built.release}, running is {running}; "
            f"boot that one, then type: modprobe {name}"
        )
    elif is_loaded(name):
        say(
            f"netmap: the {name} that is loaded stays; to change to the new one, "
            f"type: rmmod {name} && modprobe {name}"
        )
    else:
        say(f"netmap: {name} is not loaded; type: modprobe {name}")
