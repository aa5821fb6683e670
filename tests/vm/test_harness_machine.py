# SPDX-License-Identifier: BSD-2-Clause
"""The machine around the guest: time-outs, choice of acceleration, and one real boot."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from netmap_build.errors import BuildError
from netmap_build.vm import Hardware, Step, Target, Vm, VmResult, kvm, qemu
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


@pytest.mark.smoke
def test_under_the_instruction_counter_there_is_one_processor(tmp_path: Path) -> None:
    argv = qemu.command(Hardware(icount=True, cpus=4), *(tmp_path / n for n in "kicr"))
    assert argv[argv.index("-smp") + 1] == "1"
    assert argv[argv.index("-icount") + 1] == "shift=0,sleep=off"
    assert argv[argv.index("-cpu") + 1] == "max,erms=off,fsrm=off"


@pytest.mark.smoke
def test_the_answer_about_kvm_is_kept_and_asked_again_for_another_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots: list[str] = []

    def boots_once(kernel: Path) -> bool:
        boots.append(kernel.name)
        return True

    monkeypatch.setattr(kvm, "_boots", boots_once)
    monkeypatch.setattr(os, "access", lambda *_: True)
    cache = tmp_path / "deep" / "kvm.json"
    assert kvm.works(tmp_path / "one", cache)
    assert kvm.works(tmp_path / "one", cache)
    assert kvm.works(tmp_path / "two", cache)
    assert boots == ["one", "two"]
    cache.write_text("not json")
    assert kvm.works(tmp_path / "two", cache)
    assert boots == ["one", "two", "two"]


@pytest.mark.smoke
def test_without_the_device_there_is_no_kvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not kvm.works(tmp_path / "kernel", tmp_path / "kvm.json")


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
