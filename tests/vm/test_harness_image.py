# SPDX-License-Identifier: BSD-2-Clause
"""What goes into a guest: the archive, kernel modules, programs and their libraries."""

from __future__ import annotations

import lzma
import stat
import subprocess
from pathlib import Path

import pytest
from netmap_build import arch as architectures
from netmap_build.errors import BuildError
from netmap_build.vm import board, modules, programs
from netmap_build.vm.agent import Step
from netmap_build.vm.cpio import Archive
from netmap_build.vm.elf import is_static, section
from netmap_build.vm.initramfs import Contents, build, find_busybox

pytestmark = pytest.mark.smoke


def example() -> Archive:
    archive = Archive()
    archive.add_file("usr/lib/deep/file", b"contents")
    archive.add_file("bin/run", b"#!/bin/sh\n", executable=True)
    archive.add_link("bin/other", "run")
    archive.add_character_device("dev/console", 5, 1)
    archive.add_folder("empty")
    return archive


def unpack(data: bytes, into: Path) -> None:
    into.mkdir()
    command = [str(find_busybox()), "cpio", "-i", "-d"]
    subprocess.run(command, input=data, cwd=into, check=True, capture_output=True)


def test_an_archive_unpacks_to_what_was_put_in(tmp_path: Path) -> None:
    archive = example()
    del archive.entries["dev/console"]  # only root may make the node
    unpack(archive.to_bytes(), tmp_path / "out")
    out = tmp_path / "out"
    assert (out / "usr/lib/deep/file").read_bytes() == b"contents"
    assert stat.S_IMODE((out / "usr/lib/deep/file").stat().st_mode) == 0o644
    assert stat.S_IMODE((out / "bin/run").stat().st_mode) == 0o755
    assert (out / "bin/other").readlink() == Path("run")
    assert (out / "empty").is_dir()


def test_an_archive_lists_its_device_node_with_its_numbers() -> None:
    command = [str(find_busybox()), "cpio", "-t", "-v"]
    listing = subprocess.run(command, input=example().to_bytes(), check=True, capture_output=True)
    console = [line for line in listing.stdout.decode().splitlines() if "dev/console" in line]
    assert len(console) == 1
    assert console[0].startswith("crw-------")


def test_the_same_entries_in_any_order_give_the_same_bytes() -> None:
    one, two = example(), example()
    two.entries = dict(reversed(one.entries.items()))
    assert one.to_bytes() == two.to_bytes()


def test_every_folder_comes_before_what_is_in_it() -> None:
    data = example().to_bytes()
    assert data.index(b"usr\0") < data.index(b"usr/lib\0") < data.index(b"usr/lib/deep\0")


@pytest.mark.parametrize("path", ["", "/", "a//b", "../etc", "a/./b"])
def test_a_path_that_leads_out_of_the_archive_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        Archive().add_file(path, b"")


def compile_module(folder: Path, name: str, depends: str, magic: str = "6.1.0-x SMP") -> Path:
    """An object file with the .modinfo section of a module."""
    source = folder / f"{name}.c"
    source.write_text(
        '__attribute__((section(".modinfo"), used)) static const char info[] ='
        f' "license=GPL\\0depends={depends}\\0vermagic={magic}";\n'
    )
    output = folder / f"{name}.ko"
    subprocess.run(["cc", "-c", "-o", str(output), str(source)], check=True)
    return output


def test_modules_load_after_what_they_depend_on(tmp_path: Path) -> None:
    compile_module(tmp_path, "top", "mid-dle,base")
    compile_module(tmp_path, "mid-dle", "base")
    compile_module(tmp_path, "base", "")
    order = modules.ModuleTree(tmp_path).load_order(["top"])
    assert [module.name for module in order] == ["base", "mid_dle", "top"]


def test_modules_that_are_built_in_are_left_out(tmp_path: Path) -> None:
    compile_module(tmp_path, "top", "inside")
    (tmp_path / "modules.builtin").write_text("kernel/lib/inside.ko\n")
    order = modules.ModuleTree(tmp_path).load_order(["top", "inside"])
    assert [module.name for module in order] == ["top"]


def test_an_extra_module_brings_its_dependencies_but_not_itself(tmp_path: Path) -> None:
    compile_module(tmp_path, "base", "")
    (tmp_path / "own").mkdir()
    own = compile_module(tmp_path / "own", "own", "base")
    extra = modules.Module("own", own.read_bytes())
    (tmp_path / "own" / "own.ko").unlink()
    order = modules.ModuleTree(tmp_path).load_order([], (extra,))
    assert [module.name for module in order] == ["base"]


def test_a_missing_dependency_is_named_with_who_needs_it(tmp_path: Path) -> None:
    compile_module(tmp_path, "top", "gone")
    with pytest.raises(BuildError, match=r"no module gone \(needed by top\)"):
        modules.ModuleTree(tmp_path).load_order(["top"])


def test_a_module_packed_with_xz_reads_as_the_plain_one(tmp_path: Path) -> None:
    plain = compile_module(tmp_path, "packed", "base")
    packed = tmp_path / "packed.ko.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    assert modules.read_module(packed) == plain.read_bytes()
    assert modules.module_name(packed) == "packed"


def test_a_module_tells_the_kernel_it_was_built_for(tmp_path: Path) -> None:
    path = compile_module(tmp_path, "own", "", "6.1.0-9-cloud SMP preempt mod_unload")
    assert modules.version_magic(path.read_bytes()) == "6.1.0-9-cloud"


def test_a_section_that_is_not_there_is_none(tmp_path: Path) -> None:
    path = compile_module(tmp_path, "own", "")
    assert section(path.read_bytes(), ".nothing") is None


def compile_c(folder: Path, text: str, *flags: str) -> Path:
    source = folder / "program.c"
    source.write_text(text)
    output = folder / "program"
    subprocess.run(["cc", "-o", str(output), str(source), *flags], check=True)
    return output


def test_a_dynamic_program_brings_loader_libc_and_libgcc(tmp_path: Path) -> None:
    program = compile_c(tmp_path, "int main(void) { return 0; }\n")
    found = programs.shared_libraries(program)
    assert "lib/libc.so.6" in found
    assert "lib/libgcc_s.so.1" in found
    assert any("ld-linux" in place for place in found)
    assert all(path.exists() for path in found.values())


def test_a_static_program_brings_nothing() -> None:
    assert is_static(find_busybox().read_bytes())
    assert programs.shared_libraries(find_busybox()) == {}


def test_a_library_from_the_build_comes_from_the_folder_given(tmp_path: Path) -> None:
    library = tmp_path / "libown.so.0"
    source = tmp_path / "own.c"
    source.write_text("int own(void) { return 3; }\n")
    command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libown.so.0", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    text = "int own(void); int main(void) { return own(); }\n"
    program = compile_c(tmp_path, text, str(library))
    with pytest.raises(BuildError, match=r"libown\.so\.0"):
        programs.shared_libraries(program)
    assert programs.shared_libraries(program, (tmp_path,))["lib/libown.so.0"] == library


def test_a_library_for_another_processor_is_passed_over(tmp_path: Path) -> None:
    program = compile_c(tmp_path, "int main(void) { return 0; }\n")
    wrong = bytearray(program.read_bytes())
    wrong[18] ^= 1
    (tmp_path / "libc.so.6").write_bytes(wrong)
    assert (
        programs.shared_libraries(program, (tmp_path,))["lib/libc.so.6"] != tmp_path / "libc.so.6"
    )


def test_without_a_compiler_libraries_are_not_guessed(tmp_path: Path) -> None:
    program = compile_c(tmp_path, "int main(void) { return 0; }\n")
    with pytest.raises(BuildError, match="no C compiler: no-such-cc") as caught:
        programs.shared_libraries(program, (), "no-such-cc")
    assert "cc=" in caught.value.hint


def test_a_guest_program_is_compiled_again_only_when_its_sources_change(tmp_path: Path) -> None:
    source, header = tmp_path / "p.c", tmp_path / "p.h"
    source.write_text('#include "p.h"\nint main(void) { return VALUE; }\n')
    header.write_text("#define VALUE 1\n")
    output = tmp_path / "out" / "p"
    programs.compile_program([source], output, [])
    first = output.stat().st_mtime_ns
    programs.compile_program([source], output, [])
    assert output.stat().st_mtime_ns == first
    header.write_text("#define VALUE 7\n")
    programs.compile_program([source], output, [])
    assert subprocess.run([output], check=False).returncode == 7


def test_a_guest_program_that_does_not_compile_says_where(tmp_path: Path) -> None:
    source = tmp_path / "p.c"
    source.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(BuildError, match=r"p\.c:1"):
        programs.compile_program([source], tmp_path / "p", [])
    assert not (tmp_path / "p").exists()


def test_an_image_holds_init_steps_and_programs(tmp_path: Path) -> None:
    program = compile_c(tmp_path, "int main(void) { return 0; }\n")
    steps = [Step("first", "echo one"), Step("second", "echo two", 5)]
    image = build(Contents(programs=(program,)), steps, "tok")
    start = image.index(b"dev/console\0")
    assert start > 0
    for name in (b"init\0", b"steps/000\0", b"steps/001\0", b"bin/program\0", b"bin/busybox\0"):
        assert name in image
    assert b"000 60 first\n001 5 second\n" in image


def busybox_for(machine: int, folder: Path) -> Path:
    """An ELF file of that processor that needs no loader."""
    path = folder / "busybox"
    header = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little")
    path.write_bytes(header.ljust(64, b"\0"))
    return path


@pytest.mark.parametrize("arch", board.BOARDS)
def test_an_image_holds_the_busybox_it_is_given_and_reports_on_its_results_line(
    arch: str, tmp_path: Path
) -> None:
    given = busybox_for(architectures.chosen(arch).elf, tmp_path)
    image = build(Contents(arch=arch, busybox=given), [], "tok")
    assert given.read_bytes() in image
    assert f"exec </dev/null >/dev/{board.of(arch).results} 2>&1".encode() in image


def test_a_busybox_of_another_architecture_is_refused(tmp_path: Path) -> None:
    given = busybox_for(architectures.AARCH64.elf, tmp_path)
    with pytest.raises(BuildError, match="no static busybox for x86_64"):
        build(Contents(arch="x86_64", busybox=given), [], "tok")


@pytest.mark.parametrize("name", ["", "two words", "a;b", "a/b", "$x"])
def test_a_step_name_that_a_shell_would_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a step name"):
        Step(name, "true")
