"""Doing the faults, and starting again at once whatever has ended, as an orchestrator does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psutil
from kafka.errors import KafkaError

from faults.ground import topics_again
from faults.plan import Fault, Kind
from harness.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.book import Book
    from faults.ground import ProxiedSystem
    from harness.observer import Written

LOOK_EVERY_S = 0.1
# Who kills faster than processes can start finds nothing alive to kill.
STARTING_MAX = 3
STARTING_S_MAX = 45.0
SERVER_START_S_MAX = 180.0
WIPE_PAUSE_S = 1.0


@dataclass(slots=True)
class Orchestrator:
    """Starts again whatever does not run. `unbidden` are ends that nobody had caused, with the end of the log."""

    system: ProxiedSystem
    killed: set[str] = field(default_factory=set)
    unbidden: list[str] = field(default_factory=list)
    starts: Counter[str] = field(default_factory=Counter)
    # What was started and does not answer yet.
    starting: set[tuple[str, str]] = field(default_factory=set)
    # What must stay down: a service, or a server.
    down: set[str] = field(default_factory=set)
    # Held while a server must stay down.
    hold: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block look all the time."""
        ending = threading.Event()
        thread = threading.Thread(target=self._watch, args=(ending,), name="orchestrator")
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def look(self) -> None:
        """Start whatever has ended."""
        for name, server in self.servers.items():
            child = server._child
            ended = child is not None and child.exit_code is not None and name not in self.down
            if ended and self.hold.acquire(blocking=False):
                try:
                    self._note(name, child)
                    server.launch()
                finally:
                    self.hold.release()
        for service, verb in self.system.ended():
            if service in self.down:
                continue
            child = self.system.process(service, verb)
            self._note(f"{service} {verb}", child)
            self.system.launch(service, verb)
            self.starting.add((service, verb))
        self.starting -= {place for place in list(self.starting) if self.system.answers(*place)}

    def take_down(self, name: str) -> None:
        """Kill a service, or a server, and keep it down."""
        self.down.add(name)
        if name in self.servers:
            self.killed.add(name)
            self.servers[name].kill()
            return
        for service, verb in self.system.places:
            if service == name:
                self.killed.add(f"{service} {verb}")
                self.system.kill(service, verb)

    def let_up(self, name: str) -> None:
        """Let it be started again."""
        self.down.discard(name)

    @property
    def servers(self) -> dict[str, Any]:
        """The servers by their names."""
        stack = self.system.stack
        return {"postgres": stack.local_postgres, "kafka": stack.local_kafka, "smtp": stack.local_smtp}

    def _note(self, name: str, child: Any) -> None:
        self.starts[name] += 1
        if name in self.killed:
            self.killed.discard(name)
        else:
            self.unbidden.append(f"{name} ended with {child.exit_code}: {child.log_tail()[-1500:]}")

    def _watch(self, ending: threading.Event) -> None:
        while not ending.wait(LOOK_EVERY_S):
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                self.look()


@dataclass(slots=True)
class Hands:
    """Does faults to a system and notes them."""

    system: ProxiedSystem
    book: Book
    orchestrator: Orchestrator
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)

    def do(self, fault: Fault) -> None:
        """Do one fault; returns when it is over, except that what was killed starts meanwhile."""
        acts: dict[Kind, Callable[[Fault], None]] = {
            Kind.KILL: self._kill,
            Kind.KILL_WORKER: self._kill_worker,
            Kind.PAUSE: self._pause,
            Kind.BREAK: self._break,
            Kind.WIPE: self._wipe,
        }
        if fault.is_kill:
            self._let_start()
        began = time.monotonic()
        acts[fault.kind](fault)
        words = {"kind": fault.kind.value, "target": fault.target, "deed": fault.deed}
        self.book.fault(**words, began=began, ended=max(time.monotonic(), began + fault.for_s))

    def heal(self) -> None:
        """Let everything through; the orchestrator starts what does not run."""
        self.system.stack.proxy.heal()

    def _let_start(self) -> None:
        with contextlib.suppress(TimeoutError):
            eventually(lambda: len(self.orchestrator.starting) < STARTING_MAX, STARTING_S_MAX)

    def _kill(self, fault: Fault) -> None:
        self.orchestrator.killed.add(fault.target)
        self.kills[fault.target] += 1
        if (server := self._server(fault.target)) is not None:
            server.kill()
        else:
            self.system.kill(*self._place(fault))

    def _kill_worker(self, fault: Fault) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for worker in psutil.Process(self._pid(fault)).children():
                worker.kill()
        self.kills[f"{fault.target} worker"] += 1

    def _pause(self, fault: Fault) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._pid(fault))
            tree = [root, *root.children(recursive=True)]
            for one in tree:
                one.suspend()
            try:
                time.sleep(fault.for_s)
            finally:
                for one in reversed(tree):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.resume()

    def _break(self, fault: Fault) -> None:
        self.system.stack.proxy.do(fault.target, fault.deed, for_s=fault.for_s, share=fault.share)

    def _wipe(self, _: Fault) -> None:
        """Kafka forgets everything, after the observer has seen all that was ever acknowledged."""
        stack = self.system.stack
        stack.proxy.do("kafka", "cut", for_s=SERVER_START_S_MAX)
        time.sleep(WIPE_PAUSE_S)
        self.keep_records()
        self.system.disconnect()
        self.kills["kafka (wiped)"] += 1
        with self.orchestrator.hold:
            kafka = stack.local_kafka
            kafka.kill()
            kafka.wipe()
            kafka.launch()
            eventually(kafka.answers, SERVER_START_S_MAX, what="Kafka's answer after it forgot everything")
        stack.proxy.heal()
        topics_again(self.system)

    def keep_records(self) -> int:
        """Write down every record of this life of Kafka, which may be starting."""
        found: list[Written] = []

        def seen() -> bool:
            try:
                found[:] = self.system.records()
            except KafkaError:
                self.system.disconnect()
                return False
            return True

        eventually(self.system.stack.local_kafka.answers, SERVER_START_S_MAX, what="Kafka's answer")
        eventually(seen, SERVER_START_S_MAX, what="all records")
        self.lives += 1
        return self.book.records(self.lives, (self._document(one) for one in found))

    def _document(self, one: Written) -> dict[str, Any]:
        occurred = datetime.fromisoformat(one.headers["ce_time"]).timestamp()
        return one.document() | {"at": self.book.at(one.written_ms / 1000), "occurred": self.book.at(occurred)}

    def _place(self, fault: Fault) -> tuple[str, str]:
        service, verb = fault.target.split()
        return service, verb

    def _server(self, name: str) -> Any:
        return self.orchestrator.servers.get(name)

    def _pid(self, fault: Fault) -> int:
        server = self._server(fault.target)
        return int(server.pid if server is not None else self.system.process(*self._place(fault)).pid)
