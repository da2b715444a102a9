"""A TCP proxy that breaks connections on demand: it delays, stalls, tears, half-closes, cuts and refuses.

    python -m faults.proxy '{"kafka": [29092, 9092], "postgres-packets": [25432, 5432]}' --control 25000

Each route listens on its first port and forwards to its second, all on the loopback interface. The control port takes
one JSON object a line and answers each with a line: {"route": "kafka", "do": "cut", "for_s": 2.0, "share": 0.5}.
A process of its own, so that forwarding does not share an interpreter with the clients that make the load.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.stack.children import Child, spawn
from harness.stack.ports import LOOPBACK, answers, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHUNK_BYTES = 64 * 1024
START_S_MAX = 15.0
CONTROL_S_MAX = 5.0
# What can be done to the connections of a route. `cut` also refuses new ones while it lasts.
DEEDS = ("delay", "stall", "tear", "half", "cut")
DELAY_S = 0.05


@dataclass(slots=True, eq=False)
class Pipe:
    """One connection and its continuation."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    torn: bool = False

    def abort(self) -> None:
        """End both sides at once, with a reset where something was on its way."""
        for writer in (self.client, self.server):
            writer.transport.abort()

    def half_close(self, writer: asyncio.StreamWriter) -> None:
        """Tell one side that nothing more will come, and go on listening to it."""
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


@dataclass(slots=True)
class Route:
    """One port and where it leads, with what is wrong with it now."""

    name: str
    port: int
    target: int
    delay_s: float = 0.0
    refusing: bool = False
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    pipes: set[Pipe] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side ends it."""
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.transport.abort()
            return
        for each in (writer, far_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe = Pipe(client=writer, server=far_writer)
        self.pipes.add(pipe)
        try:
            await asyncio.gather(self._pump(pipe, reader, far_writer), self._pump(pipe, far_reader, writer))
        finally:
            self.pipes.discard(pipe)
            pipe.abort()

    async def _pump(self, pipe: Pipe, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while chunk := await source.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if not self.flowing.is_set():
                    await self.flowing.wait()
                if pipe.torn:
                    sink.write(chunk[: len(chunk) // 2])
                    await sink.drain()
                    pipe.abort()
                    return
                sink.write(chunk)
                await sink.drain()
            pipe.half_close(sink)
            return
        pipe.abort()

    async def do(self, deed: str, for_s: float, share: float, chance: random.Random) -> None:
        """Do something to a share of the connections there are, and undo after a while what can be undone."""
        chosen = [pipe for pipe in list(self.pipes) if chance.random() < share]
        match deed:
            case "delay":
                self.delay_s = DELAY_S
            case "stall":
                self.flowing.clear()
            case "tear":
                for pipe in chosen:
                    pipe.torn = True
            case "half":
                for pipe in chosen:
                    pipe.half_close(chance.choice((pipe.client, pipe.server)))
            case "cut":
                self.refusing = True
                for pipe in chosen:
                    pipe.abort()
            case _:
                raise ValueError(deed)
        await asyncio.sleep(for_s)
        self.heal()

    def heal(self) -> None:
        """Forward as if nothing had been; what was torn or cut stays so."""
        self.delay_s = 0.0
        self.refusing = False
        self.flowing.set()


class Proxy:
    """The proxy as a process of ours. `ports` maps each route to the port on which it listens."""

    def __init__(self, log_dir: Path) -> None:
        """Prepare, without starting it."""
        self._log = log_dir / "proxy.log"
        self._control = free_port()
        self._routes: dict[str, tuple[int, int]] = {}
        self._child: Child | None = None

    def route(self, name: str, target: int, *, port: int | None = None) -> int:
        """Add a route before the start and return the port on which it will listen."""
        self._routes[name] = (port or free_port(), target)
        return self._routes[name][0]

    @property
    def routes(self) -> tuple[str, ...]:
        """The names of all routes."""
        return tuple(self._routes)

    def start(self) -> None:
        """Start it and return when it listens."""
        words = json.dumps(self._routes)
        command = [sys.executable, "-m", "faults.proxy", words, "--control", str(self._control)]
        child = spawn("The proxy", command, log=self._log)
        self._child = child
        wait_for(lambda: child.check() and answers(self._control), what="the proxy's start", timeout_s=START_S_MAX)

    def do(self, route: str, deed: str, *, for_s: float = 0.0, share: float = 1.0) -> None:
        """Do one of `DEEDS` to a route, for so many seconds; returns at once."""
        self._tell({"route": route, "do": deed, "for_s": for_s, "share": share})

    def heal(self) -> None:
        """Let everything through again."""
        self._tell({"do": "heal"})

    def stop(self) -> None:
        """End it, and every connection with it."""
        if self._child is not None:
            self._child.stop()

    def _tell(self, order: Mapping[str, Any]) -> None:
        with socket.create_connection((LOOPBACK, self._control), timeout=CONTROL_S_MAX) as line:
            line.sendall(json.dumps(order).encode() + b"\n")
            answer = line.makefile().readline().strip()
        if answer != "ok":
            raise RuntimeError(f"the proxy answered {answer!r} to {order}")


async def _obey(
    routes: Mapping[str, Route], order: Mapping[str, Any], chance: random.Random
) -> asyncio.Task[None] | None:
    if order["do"] == "heal":
        for route in routes.values():
            route.heal()
        return None
    if order["do"] not in DEEDS:
        raise ValueError(order["do"])
    return asyncio.create_task(routes[order["route"]].do(order["do"], order["for_s"], order["share"], chance))


async def _run(wanted: Mapping[str, tuple[int, int]], control: int) -> None:
    routes = {name: Route(name=name, port=port, target=target) for name, (port, target) in wanted.items()}
    chance = random.Random(1)
    running: set[asyncio.Task[None]] = set()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                task = await _obey(routes, json.loads(line), chance)
            except (KeyError, ValueError) as error:
                writer.write(f"{error!r}\n".encode())
            else:
                if task is not None:
                    running.add(task)
                    task.add_done_callback(running.discard)
                writer.write(b"ok\n")
            await writer.drain()
        writer.close()

    for route in routes.values():
        route.flowing.set()
        await asyncio.start_server(route.serve, LOOPBACK, route.port, backlog=512)
    server = await asyncio.start_server(obey, LOOPBACK, control)
    async with server:
        await server.serve_forever()


def main() -> int:
    """Forward until SIGTERM."""
    parser = argparse.ArgumentParser(description="Forward connections, and break them when told.")
    parser.add_argument("routes", help='JSON: {"name": [port, target port]}')
    parser.add_argument("--control", type=int, required=True, help="the port that takes orders")
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(json.loads(chosen.routes), chosen.control))
    return 0


if __name__ == "__main__":
    sys.exit(main())
