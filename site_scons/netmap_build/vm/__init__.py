# SPDX-License-Identifier: BSD-2-Clause
"""Virtual machines that run the built module in a real kernel.

    cpio, elf, modules, programs -> initramfs     what the guest holds
    agent, protocol, dmesg                        what the guest does and how its answer is read
    board, qemu, kvm, target, machine             the machine itself
    bench, tryout, run                            commands built on it

Standard library only: it runs in the build's environment and in the tests'.
"""

from __future__ import annotations

from .agent import Step
from .machine import Vm, VmResult
from .protocol import StepResult
from .qemu import Hardware
from .target import Target

__all__ = ["Hardware", "Step", "StepResult", "Target", "Vm", "VmResult"]
