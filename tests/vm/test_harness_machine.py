# SPDX-License-Identifier: BSD-2-Clause
"""The machine around the guest: time-outs, choice of acceleration, and one real boot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from netmap_build import arch as architectures
from netmap_build.errors import BuildError
from netmap_build.vm import Hardware, Step, Target, Vm, VmResult, bench, board, kvm, qemu
from netmap_build.vm.protocol import Parser
from netmap_build.vm.target import load

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def run(argv: list[str], folder: Path, timeout: float) -> tuple[qemu.Ended, Parser]:
    parser = Parser("tok")
    ended = qemu.run(argv, folder / "results", folder / "stderr", parser, timeout)
    return ended, parser


@pytest.mark.smoke
def test_a_machine_that_takes_too_long_is_killed_and_no_other_process(tmp_path: Path) -> None:
    bystander = subprocess.Popen(SLEEP)
    try:
        ended, parser = run(SLEEP, tmp_path, 0.3)
        assert ended.timed_out
        assert ended.exit_code == -9
        assert not parser.done
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.smoke
def test_a_machine_that_ends_by_itself_is_no_time_out(tmp_path: Path) -> None:
    script = "import sys; open(sys.argv[1], 'w').write('@@tok boot\\n@@tok done\\n')"
    argv = [sys.executable, "-c", script, str(tmp_path / "results")]
    ended, parser = run(argv, tmp_path, 60)
    assert not ended.timed_out
    assert ended.exit_code == 0
    assert parser.done


@pytest.mark.smoke
def test_a_machine_that_is_interrupted_leaves_no_process(tmp_path: Path) -> None:
    def interrupt(_step: str, _line: str) -> None:
        raise KeyboardInterrupt

    pid_file = tmp_path / "pid"
    script = (
        "import os, sys, time\n"
        "open(sys.argv[2], 'w').write(str(os.getpid()))\n"
        "open(sys.argv[1], 'w').write('@@tok begin s 1\\nhello\\n')\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "results"), str(pid_file)]
    parser = Parser("tok", on_line=interrupt)
    with pytest.raises(KeyboardInterrupt):
        qemu.run(argv, tmp_path / "results", tmp_path / "stderr", parser, 60)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.fixture
def any_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line can be made where QEMU is not installed."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")


def command(hardware: Hardware, arch: str) -> list[str]:
    return qemu.command(hardware, arch, *(Path(f"/a,b/{name}") for name in "kicr"))


def after(argv: list[str], option: str) -> list[str]:
    """The values of an option, in their order."""
    return [value for name, value in pairwise(argv) if name == option]


@pytest.mark.smoke
@pytest.mark.usefixtures("any_qemu")
def test_under_the_instruction_counter_there_is_one_processor() -> None:
    argv = command(Hardware(icount=True, cpus=4), "x86_64")
    assert after(argv, "-smp") == ["1"]
    assert after(argv, "-icount") == ["shift=0,sleep=off"]
    assert after(argv, "-cpu") == ["max,erms=off,fsrm=off"]


@pytest.mark.smoke
@pytest.mark.usefixtures("any_qemu")
def test_an_x86_machine_has_two_serial_ports() -> None:
    argv = command(Hardware(), "x86_64")
    assert argv[0] == "/bin/qemu-system-x86_64"
    assert after(argv, "-serial") == ["file:/a,b/c", "file:/a,b/r"]
    assert after(argv, "-append")[0].startswith("console=ttyS0 ")


@pytest.mark.smoke
@pytest.mark.usefixtures("any_qemu")
def test_an_arm_machine_has_its_second_line_on_the_pci_bus() -> None:
    argv = command(Hardware(cpus=3), "aarch64")
    assert argv[0] == "/bin/qemu-system-aarch64"
    assert after(argv, "-M") == ["virt,gic-version=max"]
    assert after(argv, "-smp") == ["3"]
    assert after(argv, "-serial") == ["file:/a,b/c"]
    assert after(argv, "-chardev") == ["file,id=results,path=/a,,b/r"]
    assert after(argv, "-device") == ["pci-serial,chardev=results"]
    assert after(argv, "-append")[0].startswith("console=ttyAMA0 ")
    assert after(argv, "-accel") == [qemu.EMULATION]


@pytest.mark.smoke
@pytest.mark.usefixtures("any_qemu")
@pytest.mark.parametrize("arch", board.BOARDS)
def test_under_kvm_the_processor_is_the_real_one(arch: str) -> None:
    argv = command(Hardware(accel="kvm"), arch)
    assert after(argv, "-accel") == ["kvm"]
    assert after(argv, "-cpu") == ["max"]


@pytest.mark.smoke
@pytest.mark.parametrize("arch", board.BOARDS)
def test_an_emulator_that_is_missing_is_named_with_its_package(
    arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(BuildError, match=f"no qemu-system-{arch} here") as caught:
        board.find_qemu(arch)
    assert caught.value.hint.endswith(board.of(arch).package)


@pytest.mark.smoke
def test_the_benchmark_refuses_where_instructions_are_not_counted() -> None:
    bench.refuse_other("x86_64")
    with pytest.raises(BuildError, match="not of aarch64") as caught:
        bench.refuse_other("aarch64")
    assert caught.value.hint == "type: ./sconsw arch=x86_64 bench"


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /dev/kvm that opens."""
    path = tmp_path / "kvm"
    path.touch()
    monkeypatch.setattr(kvm, "DEVICE", path)
    return path


@pytest.mark.smoke
@pytest.mark.usefixtures("device")
def test_the_answer_about_kvm_is_kept_and_asked_again_for_another_kernel(
    scratch_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots: list[str] = []

    def boots_once(kernel: Path) -> bool:
        boots.append(kernel.name)
        return True

    monkeypatch.setattr(kvm, "_boots", boots_once)
    one = replace(scratch_target, kernel_image=Path("one"))
    two = replace(scratch_target, kernel_image=Path("two"))
    assert [kvm.obstacle(target) for target in (one, one, two)] == ["", "", ""]
    assert boots == ["one", "two"]
    (two.work_dir / "kvm.json").write_text("not json")
    assert kvm.obstacle(two) == ""
    assert boots == ["one", "two", "two"]


@pytest.mark.smoke
@pytest.mark.usefixtures("device")
def test_people_hear_once_why_a_guest_is_emulated(
    scratch_target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kvm, "_boots", lambda _kernel: False)
    kvm.announce(scratch_target)
    said = capsys.readouterr().out
    assert "a machine stands still in it): emulating, slower" in said
    assert len(said.splitlines()) == 1


@pytest.mark.smoke
def test_a_working_kvm_is_not_talked_about(
    device: Path,
    scratch_target: Target,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(kvm, "_boots", lambda _kernel: True)
    kvm.announce(scratch_target)
    assert capsys.readouterr().out == ""


@pytest.mark.smoke
def test_without_the_device_there_is_no_kvm(device: Path, scratch_target: Target) -> None:
    device.unlink()
    assert kvm.obstacle(scratch_target) == f"there is no {device}"


@pytest.mark.smoke
def test_a_device_that_may_not_be_opened_is_no_kvm(
    device: Path, scratch_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "not open to this user" in kvm.obstacle(scratch_target)


@pytest.mark.smoke
@pytest.mark.usefixtures("device")
def test_another_architecture_never_runs_under_kvm(scratch_target: Target) -> None:
    host = architectures.host().name
    (other,) = {known.name for known in architectures.ALL} - {host}
    assert kvm.obstacle(replace(scratch_target, arch=other)) == f"{other} on {host}"


@pytest.mark.smoke
def test_a_target_is_read_back_as_it_was_written(scratch_target: Target, tmp_path: Path) -> None:
    scratch_target.save(tmp_path / "x" / "vm.json")
    assert load(tmp_path / "x" / "vm.json") == scratch_target


@pytest.mark.smoke
def test_a_target_file_that_is_not_there_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot read") as caught:
        load(tmp_path / "vm.json")
    assert "./sconsw" in caught.value.hint


@pytest.mark.smoke
def test_two_steps_of_one_name_are_refused(scratch_target: Target) -> None:
    with pytest.raises(ValueError, match="one name"):
        Vm(scratch_target).run([Step("a", "true"), Step("a", "true")], 1)


_KERNEL_COMPLAINT = "echo '<4>WARNING: made up for a test' >/dev/kmsg"


@pytest.fixture(scope="module")
def crashed(target: Target) -> VmResult:
    """One boot whose last step makes the kernel panic."""
    steps = [
        Step("fine", "echo hello; echo result answer=42"),
        Step("failing", "exit 3"),
        Step("slow", "echo started; sleep 1000 & sleep 1000", timeout=1),
        Step("after", "ps | grep -c '[s]leep 1000'"),
        Step("complaint", _KERNEL_COMPLAINT),
        Step("crash", "echo last words; echo c >/proc/sysrq-trigger; sleep 60"),
        Step("never", "true"),
    ]
    return Vm(target).run(steps, timeout=120, name="harness")


@pytest.mark.timeout(300)
def test_a_booted_guest_reports_each_step_and_kills_what_takes_too_long(crashed: VmResult) -> None:
    assert crashed.step("fine").ok
    assert crashed.step("fine").number("answer") == 42
    assert crashed.step("failing").rc == 3
    assert crashed.step("slow").rc == 137
    assert crashed.step("slow").lines[0] == "started"
    assert crashed.step("after").lines[0] == "0", "a process outlived its step"


@pytest.mark.timeout(300)
def test_a_guest_that_crashes_is_noticed_with_its_kernels_words(crashed: VmResult) -> None:
    assert not crashed.done
    assert not crashed.timed_out
    assert crashed.step("crash").rc is None
    assert crashed.step("crash").lines == ["last words"]
    assert crashed.step("never").rc is None
    assert any("panic" in line for line in crashed.problems)
    assert any("made up for a test" in line for line in crashed.problems)
    assert "stopped before its last step" in crashed.describe_end()


@pytest.mark.timeout(300)
def test_two_machines_can_run_at_the_same_time(target: Target) -> None:
    results: dict[str, VmResult] = {}

    def boot(word: str) -> None:
        steps = [Step("say", f"echo {word}")]
        results[word] = Vm(target).run(steps, timeout=120, name="harness")

    threads = [threading.Thread(target=boot, args=(word,)) for word in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {word: result.step("say").lines[0] for word, result in results.items()} == {
        "left": "left",
        "right": "right",
    }
