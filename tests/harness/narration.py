"""Telling a story to whoever watches, and keeping what was told: each step with its service, status and duration."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

_NAME_CHARS = 78


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act as it was answered; `status` is 0 where nobody was asked over HTTP."""

    name: str
    service: str
    status: int
    ms: int


@dataclass(slots=True)
class Narrator:
    """Prints chapters and steps, and notes what the services answered meanwhile."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    steps: list[Step] = field(default_factory=list)
    _answers: list[tuple[str, str, int]] = field(default_factory=list)

    def listen(self, clients: Mapping[str, httpx.Client]) -> None:
        """Note every answer that comes to these clients, by service."""
        for service, client in clients.items():
            client.event_hooks["response"].append(self._noting(service))

    def say(self, line: str) -> None:
        """Print a line."""
        self.console.print(line, markup=False)

    def chapter(self, title: str) -> None:
        """Print a heading."""
        self.console.print()
        self.console.print(title, style="bold", markup=False)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell of one act. What it is remembered by is its last command, or else the last answer that it got."""
        self._answers.clear()
        began = time.monotonic()
        done = False
        spinner = self.console.status(name) if self.console.is_terminal else contextlib.nullcontext()
        try:
            with spinner:
                yield
            done = True
        finally:
            service, status = self._remembered()
            took = round((time.monotonic() - began) * 1000)
            self.steps.append(Step(name=name, service=service, status=status, ms=took))
            self._print(self.steps[-1], done=done)

    def _remembered(self) -> tuple[str, int]:
        commands = [one for one in self._answers if one[1] != "GET"]
        service, _, status = (commands or self._answers or [("", "", 0)])[-1]
        return service, status

    def _print(self, step: Step, *, done: bool) -> None:
        mark = "[green]✓[/]" if done else "[red]✗[/]"
        where = f"{step.service} {step.status}" if step.status else ""
        name = step.name.replace("[", r"\[")
        self.console.print(f"  {mark} {name:<{_NAME_CHARS}} [dim]{where:<17} {step.ms:>6} ms[/]")

    def _noting(self, service: str) -> _Hook:
        return _Hook(service, self._answers)


@dataclass(frozen=True, slots=True)
class _Hook:
    service: str
    answers: list[tuple[str, str, int]]

    def __call__(self, response: httpx.Response) -> None:
        self.answers.append((self.service, response.request.method, response.status_code))
