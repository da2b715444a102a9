"""Resident memory of all service processes, idle: one web and one background process a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from bench.figures import Figure
from harness.people import SERVICES
from harness.system import TOGETHER, System

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack import Stack

MIB = 1024 * 1024


def resident(stack: Stack, folder: Path) -> list[Figure]:
    """Start everything, let it come to rest, and add up."""
    with System.on(stack, var_dir=folder / "system", verbs=TOGETHER) as system:
        system.settle()
        total, proportional = 0, 0
        for name in SERVICES:
            for verb in TOGETHER:
                root = psutil.Process(system.process(name, verb).pid)
                for process in (root, *root.children(recursive=True)):
                    memory = process.memory_full_info()
                    total += memory.rss
                    proportional += getattr(memory, "pss", memory.rss)
    return [
        Figure(name="Resident memory of all service processes, idle", value=total / MIB, unit="MiB", bar=1.2 * 1024),
        Figure(name="The same, shared pages counted once", value=proportional / MIB, unit="MiB"),
    ]
