# SPDX-License-Identifier: BSD-2-Clause
"""Install and uninstall over a built tree of a few bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from netmap_build import install, layout, manifest
from netmap_build.errors import BuildError
from netmap_build.install import Order
from netmap_build.layout import Built, Places
from netmap_build.rooted import Root

RELEASE = "6.1.0-test"
MODULES = f"lib/modules/{RELEASE}"
RULES = "etc/udev/rules.d/60-netmap.rules"
TOP = Path(__file__).resolve().parents[2]


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    fill(
        folder,
        {
            "common/include/net/netmap.h": "net",
            "libnetmap/libnetmap.h": "lib",
            "docs/man/netmap.4": "page",
            "docs/man/pkt-gen.8": "page",
            "build/stage/netmap.ko": "module",
            "build/stage/Module.symvers": "symbols",
            "build/lib/libnetmap.so.0": "shared",
            "build/lib/libnetmap.a": "static",
            "build/bin/pkt-gen": "program",
        },
    )
    for name in ("libnetmap.pc.in", "60-netmap.rules"):
        fill(folder, {f"packaging/common/{name}": (TOP / "packaging/common" / name).read_text()})
    return folder


@pytest.fixture
def built(top: Path) -> Built:
    out = top / "build"
    return Built(
        "0.1.0",
        RELEASE,
        out / "stage/netmap.ko",
        out / "stage/Module.symvers",
        out / "lib",
        (out / "bin/pkt-gen",),
    )


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(Places(), str(tmp_path / "root"))


def tree(folder: Path) -> dict[str, str]:
    """Every path under a folder, with mode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        mode = f"{path.lstat().st_mode & 0o7777:o}"
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = f"{mode} {'' if path.is_dir() else path.read_text()}"
    return found


def files(folder: Path) -> list[str]:
    return [name for name in tree(folder) if not (folder / name).is_dir()]


def test_everything_lies_where_systems_look_for_it(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, order)
    assert files(Path(order.destdir)) == [
        "etc/udev/rules.d/60-netmap.rules",
        f"{MODULES}/updates/netmap/Module.symvers",
        f"{MODULES}/updates/netmap/netmap.ko",
        "usr/local/bin/pkt-gen",
        "usr/local/include/libnetmap.h",
        "usr/local/include/net/netmap.h",
        "usr/local/lib/libnetmap.a",
        "usr/local/lib/libnetmap.so",
        "usr/local/lib/libnetmap.so.0",
        "usr/local/lib/libnetmap.so.0.1.0",
        "usr/local/lib/pkgconfig/libnetmap.pc",
        "usr/local/share/man/man4/netmap.4",
        "usr/local/share/man/man8/pkt-gen.8",
        "var/lib/netmap/installed.json",
    ]


def test_modes_do_not_depend_on_the_umask(top: Path, built: Built, tmp_path: Path) -> None:
    trees = []
    for mask in (0o077, 0o000):
        root = tmp_path / f"{mask:o}"
        before = os.umask(mask)
        try:
            install.install(top, built, Order(Places(), str(root)))
        finally:
            os.umask(before)
        trees.append(tree(root))
    assert trees[0] == trees[1]
    modes = {entry.split(" ")[0] for entry in trees[0].values()}
    assert modes == {"755", "644", "->"}


@pytest.mark.parametrize(
    ("prefix", "rules"),
    [
        ("/usr", "usr/lib/udev/rules.d/60-netmap.rules"),
        ("/usr/local", RULES),
        ("/opt/netmap", RULES),
    ],
)
def test_the_rule_lies_where_every_udev_reads_it(
    top: Path, built: Built, order: Order, prefix: str, rules: str
) -> None:
    install.install(top, built, replace(order, places=Places(prefix)))
    assert (Path(order.destdir) / rules).exists()


@pytest.mark.parametrize(
    ("places", "folder", "line"),
    [
        (Places("/opt/n"), "opt/n/lib", "libdir=${prefix}/lib"),
        (Places("/usr", "lib/x86_64-linux-gnu"), "usr/lib/x86_64-linux-gnu", "libdir=${prefix}/"),
        (Places("/usr", "/lib64"), "lib64", "libdir=/lib64"),
    ],
)
def test_pkg_config_names_the_folders(
    top: Path, built: Built, order: Order, places: Places, folder: str, line: str
) -> None:
    install.install(top, built, replace(order, places=places))
    text = (Path(order.destdir) / folder / "pkgconfig/libnetmap.pc").read_text()
    assert f"prefix={places.prefix}\n" in text
    assert line in text
    assert "Version: 0.1.0\n" in text
    assert "@" not in text


def test_install_mod_path_moves_the_module_alone(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, replace(order, places=Places(mod_path="/target")))
    root = Path(order.destdir)
    assert (root / "target" / MODULES / "updates/netmap/netmap.ko").exists()
    assert not (root / "lib").exists()
    assert (root / "usr/local/bin/pkt-gen").exists()


def test_a_tree_with_merged_folders_stays_merged(top: Path, built: Built, order: Order) -> None:
    root = Path(order.destdir)
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("/usr/lib")
    before = tree(root)
    install.install(top, built, order)
    assert (root / "usr" / MODULES / "updates/netmap/netmap.ko").exists()
    assert (root / "lib").is_symlink()
    install.uninstall(order)
    assert tree(root) == before


def test_uninstall_leaves_a_tree_as_it_was(top: Path, built: Built, order: Order) -> None:
    root = Path(order.destdir)
    fill(root, {"usr/local/bin/other": "tool", "etc/hosts": "names", "var/lib/x/y": "z"})
    (root / "usr/local/empty").mkdir()
    before = tree(root)
    install.install(top, built, order)
    assert tree(root) != before
    install.uninstall(order)
    assert tree(root) == before


def test_a_second_uninstall_says_that_there_is_nothing(
    top: Path, built: Built, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    install.install(top, built, order)
    install.uninstall(order)
    capsys.readouterr()
    install.uninstall(order)
    assert capsys.readouterr().out == (
        f"netmap: nothing of netmap is installed in {order.destdir}\n"
    )


def test_a_second_install_changes_nothing(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, order)
    root = Path(order.destdir)
    before = tree(root)
    numbers = {name: (root / name).lstat().st_ino for name in files(root) if "json" not in name}
    install.install(top, built, order)
    assert tree(root) == before
    assert {name: (root / name).lstat().st_ino for name in numbers} == numbers


def test_a_mode_that_was_changed_is_set_right(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, order)
    program = Path(order.destdir) / "usr/local/bin/pkt-gen"
    program.chmod(0o600)
    install.install(top, built, order)
    assert program.stat().st_mode & 0o777 == 0o755


def test_a_newer_install_removes_what_it_no_longer_has(
    top: Path, built: Built, order: Order
) -> None:
    install.install(top, built, order)
    (top / "docs/man/netmap.4").unlink()
    (built.lib_dir / "libnetmap.so.0").write_text("newer")
    install.install(top, replace(built, version="0.2.0", programs=()), order)
    root = Path(order.destdir)
    names = files(root)
    assert "usr/local/lib/libnetmap.so.0.2.0" in names
    assert "usr/local/lib/libnetmap.so.0.1.0" not in names
    assert not (root / "usr/local/bin").exists()
    assert not (root / "usr/local/share/man/man4").exists()
    assert str((root / "usr/local/lib/libnetmap.so.0").readlink()) == "libnetmap.so.0.2.0"
    install.uninstall(order)
    assert tree(root) == {}


def test_an_install_elsewhere_removes_the_one_before(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, order)
    install.install(top, built, replace(order, places=Places("/usr")))
    root = Path(order.destdir)
    assert not (root / "usr/local").exists()
    assert not (root / "etc").exists()
    install.uninstall(order)
    assert tree(root) == {}


def test_modules_of_several_kernels_live_side_by_side(
    top: Path, built: Built, order: Order
) -> None:
    install.install(top, built, order)
    install.install(top, replace(built, release="6.12.0-test"), order)
    root = Path(order.destdir)
    found = sorted(path.parts[-4] for path in root.rglob("netmap.ko"))
    assert found == ["6.1.0-test", "6.12.0-test"]
    install.uninstall(order)
    assert tree(root) == {}


def test_a_file_that_was_changed_since_is_kept_and_named(
    top: Path, built: Built, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    install.install(top, built, order)
    root = Path(order.destdir)
    changed = root / "usr/local/bin/pkt-gen"
    changed.write_text("mine")
    install.uninstall(order)
    assert files(root) == ["usr/local/bin/pkt-gen"]
    assert f"{changed} was changed since it was installed" in capsys.readouterr().out


def test_a_setting_of_the_administrator_survives_install_and_uninstall(
    top: Path, built: Built, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    install.install(top, built, order)
    root = Path(order.destdir)
    (root / RULES).write_text("mine")
    install.install(top, built, order)
    assert "60-netmap.rules was changed here and stays" in capsys.readouterr().out
    install.uninstall(order)
    assert files(root) == [RULES]
    assert (root / RULES).read_text() == "mine"


@pytest.mark.parametrize("name", ["usr/local/bin/pkt-gen", "usr/local/lib/libnetmap.so"])
def test_a_file_of_somebody_else_is_not_overwritten(
    top: Path, built: Built, order: Order, name: str
) -> None:
    root = Path(order.destdir)
    fill(root, {name: "theirs"})
    before = tree(root)
    with pytest.raises(BuildError, match="nothing is done"):
        install.install(top, built, order)
    assert tree(root) == before


def test_a_file_that_is_there_with_the_same_content_is_taken_over(
    top: Path, built: Built, order: Order
) -> None:
    fill(Path(order.destdir), {"usr/local/bin/pkt-gen": "program"})
    install.install(top, built, order)
    assert (Path(order.destdir) / "usr/local/bin/pkt-gen").stat().st_mode & 0o777 == 0o755


def test_what_an_install_that_was_cut_short_left_is_removed(
    top: Path, built: Built, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at every write in turn, the first ones included; then uninstalled, or gone on with."""
    whole = tree_after(top, built, order)
    cut_at = 0
    finished = False
    while not finished:
        root = Path(order.destdir).with_name(f"cut-{cut_at}")
        here = replace(order, destdir=str(root))
        with monkeypatch.context() as patch:
            patch.setattr(Root, "write", writer_that_stops(cut_at))
            try:
                install.install(top, built, here)
                finished = True
            except BuildError as error:
                assert "No space left on device; install stopped" in error.message
                assert "make room" in error.hint
        if cut_at % 2:
            install.install(top, built, here)
            assert tree(root) == whole
        install.uninstall(here)
        assert files(root) == []
        assert cut_at == 0 or tree(root) == {}
        cut_at += 1
    assert cut_at > 10


def writer_that_stops(after: int) -> Callable[[Root, str, bytes, int], None]:
    """Root.write() for so many files; then the disk is full."""
    real = Root.write
    left = iter(range(after))

    def write(self: Root, path: str, data: bytes, mode: int) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device", path)
        real(self, path, data, mode)

    return write


def tree_after(top: Path, built: Built, order: Order) -> dict[str, str]:
    """What an undisturbed install leaves."""
    install.install(top, built, order)
    found = tree(Path(order.destdir))
    install.uninstall(order)
    return found


def test_an_upgrade_that_was_cut_short_can_be_removed(
    top: Path, built: Built, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(top, built, order)
    for name in ("bin/pkt-gen", "lib/libnetmap.a", "stage/netmap.ko"):
        (top / "build" / name).write_text("newer")
    real = Root.write

    def write(self: Root, path: str, data: bytes, mode: int) -> None:
        if path.endswith(".a"):
            raise OSError(28, "No space left on device", path)
        real(self, path, data, mode)

    with monkeypatch.context() as patch:
        patch.setattr(Root, "write", write)
        with pytest.raises(BuildError):
            install.install(top, built, order)
    install.uninstall(order)
    assert tree(Path(order.destdir)) == {}


def test_what_a_killed_writer_left_goes_with_the_rest(
    top: Path, built: Built, order: Order
) -> None:
    install.install(top, built, order)
    root = Root(Path(order.destdir))
    for name in manifest.load(root).files:  # type: ignore[union-attr]
        root.part(name).write_text("half")
    install.uninstall(order)
    assert tree(root.folder) == {}


def test_a_folder_that_cannot_be_written_says_to_become_root(
    top: Path, built: Built, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(order.destdir)

    def denied(self: Root, path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Root, "make_folder", denied)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BuildError, match="Permission denied; install stopped") as caught:
        install.install(top, built, order)
    assert caught.value.hint == f"type: sudo ./sconsw install destdir={root}"


def test_a_file_where_a_folder_should_be_is_one_clear_error(
    top: Path, built: Built, order: Order
) -> None:
    root = Path(order.destdir)
    fill(root, {"usr/local/lib": "a file"})
    with pytest.raises(BuildError, match=r"usr/local/lib: .*; install stopped"):
        install.install(top, built, order)
    install.uninstall(order)
    assert files(root) == ["usr/local/lib"]


def test_a_manifest_that_cannot_be_read_is_refused(top: Path, built: Built, order: Order) -> None:
    fill(Path(order.destdir), {"var/lib/netmap/installed.json": "{}"})
    with pytest.raises(BuildError, match="does not say what is installed"):
        install.install(top, built, order)
    with pytest.raises(BuildError, match="does not say what is installed"):
        install.uninstall(order)


def test_the_manifest_has_every_file_but_itself(top: Path, built: Built, order: Order) -> None:
    install.install(top, built, order)
    root = Path(order.destdir)
    text = json.loads((root / "var/lib/netmap/installed.json").read_text())
    assert sorted([*text["files"], manifest.PATH]) == [f"/{name}" for name in files(root)]
    assert text["complete"] is True


def test_a_kernel_that_is_not_here_is_refused_unless_it_goes_elsewhere(tmp_path: Path) -> None:
    machine = Root(tmp_path)
    here = Order(Places())
    with pytest.raises(BuildError, match="not installed on this machine") as caught:
        install.check_kernel(here, RELEASE, machine)
    assert "destdir=FOLDER" in caught.value.hint
    with pytest.raises(BuildError, match="to be fetched"):
        install.check_kernel(here, None, machine)
    install.check_kernel(Order(Places(), "/elsewhere"), RELEASE, machine)
    install.check_kernel(Order(Places(mod_path="/elsewhere")), RELEASE, machine)
    fill(tmp_path, {f"{MODULES}/modules.order": "", "lib/modules/6.9-other/build/Makefile": ""})
    install.check_kernel(here, RELEASE, machine)
    with pytest.raises(BuildError) as caught:
        install.check_kernel(here, "5.0-gone", machine)
    assert caught.value.hint == "type: ./sconsw install kernel=6.9-other"


def test_the_arguments_of_roots_part_come_back_as_they_were(
    top: Path, built: Built, order: Order
) -> None:
    assert layout.built_from_json(layout.to_json(built)) == built
    assert install.main(install.arguments(top, built, order)) == 0
    assert (Path(order.destdir) / "usr/local/bin/pkt-gen").exists()


def test_what_to_type_depends_on_what_runs_and_what_is_loaded(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    install.say_module(built, "6.9.9")
    assert "for kernel 6.1.0-test, running is 6.9.9; boot that one" in capsys.readouterr().out
    install.say_module(replace(built, module=Path("netmap-dev.ko")), RELEASE)
    assert "type: modprobe netmap-dev" in capsys.readouterr().out


def test_a_group_that_is_missing_is_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    install.say_group("root")
    assert capsys.readouterr().out == ""
    install.say_group("no-such-group")
    assert "type: groupadd --system no-such-group" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["/a/.b/file", "/a/.b/.file.netmap-part"])
def test_an_error_names_the_file_that_was_to_be_written(name: str, order: Order) -> None:
    with pytest.raises(BuildError) as caught, install.plain_errors(order, "install"):
        raise OSError(28, "No space left on device", name)
    assert caught.value.message == "/a/.b/file: No space left on device; install stopped"


def test_a_build_that_has_gone_is_one_clear_error(top: Path, built: Built, order: Order) -> None:
    built.module.unlink()
    with pytest.raises(BuildError, match=r"netmap\.ko: No such file or directory; install stopped"):
        install.install(top, built, order)
    assert not Path(order.destdir).exists()


def test_a_loaded_module_is_found_by_the_kernels_name_for_it(tmp_path: Path) -> None:
    (tmp_path / "modules").write_text("netmap_dev 1 0 - Live 0x0\nnetmapper 1 0 - Live 0x0\n")
    assert install.is_loaded("netmap-dev", tmp_path / "modules")
    assert not install.is_loaded("netmap", tmp_path / "modules")
    assert not install.is_loaded("netmap", tmp_path / "none")


def test_the_loaders_folders_are_read_with_what_is_included(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "ld.so.conf": f"include {tmp_path}/d/*.conf\ninclude e/*.conf\n/one # words\n",
            "d/a.conf": "/two\n",
            "e/b.conf": "/three\n",
        },
    )
    found = install.loader_folders(tmp_path / "ld.so.conf")
    assert {"/one", "/two", "/three"} <= found
