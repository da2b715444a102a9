"""The proxy: what passes through it, and what it does to connections when told."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import TYPE_CHECKING

import pytest

from faults.proxy import Proxy
from harness.eventually import eventually
from harness.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 10.0
STALLED_S = 0.3


class _Echo(socketserver.BaseRequestHandler):
    """Answers every line with the same line, and the end of input with a farewell."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while line := self.request.recv(4096):
                self.request.sendall(line)
            self.request.sendall(b"bye")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[Proxy, int]]:
    """Give a proxy and the port of its route to a server that answers what it hears."""
    with socketserver.ThreadingTCPServer((LOOPBACK, 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        proxy = Proxy(tmp_path)
        listening = proxy.route("echo", server.server_address[1])
        proxy.start()
        yield proxy, listening
        proxy.stop()
        server.shutdown()
        thread.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S)


def said(line: socket.socket, words: bytes) -> bytes:
    line.sendall(words)
    return line.recv(4096)


def is_dead(line: socket.socket) -> bool:
    try:
        return said(line, b"still there?") == b""
    except OSError:
        return True


def test_what_is_said_is_answered(port: tuple[Proxy, int]) -> None:
    with connected(port[1]) as line:
        assert said(line, b"hello") == b"hello"
        assert said(line, b"again") == b"again"


def test_who_ends_its_half_still_hears_the_other(port: tuple[Proxy, int]) -> None:
    with connected(port[1]) as line:
        assert said(line, b"hello") == b"hello"
        line.shutdown(socket.SHUT_WR)
        assert line.recv(4096) == b"bye"


def test_a_cut_ends_connections_and_refuses_others_until_it_is_healed(port: tuple[Proxy, int]) -> None:
    proxy, number = port
    with connected(number) as line:
        assert said(line, b"hello") == b"hello"
        proxy.do("echo", "cut", for_s=60)
        eventually(lambda: is_dead(line), PATIENCE_S)
    with connected(number) as other:
        assert is_dead(other)
    proxy.heal()
    with connected(number) as line:
        assert said(line, b"hello") == b"hello"


def test_what_is_torn_arrives_by_half(port: tuple[Proxy, int]) -> None:
    proxy, number = port
    with connected(number) as line:
        assert said(line, b"hello") == b"hello"
        proxy.do("echo", "tear")
        line.sendall(b"abcdefgh")
        # Torn on the way there: the server hears half of it and no more, and we nothing.
        with contextlib.suppress(ConnectionError):
            assert line.recv(4096) in {b"", b"ab"}


def test_what_is_half_closed_by_the_proxy_ends_in_one_direction(port: tuple[Proxy, int]) -> None:
    proxy, number = port
    with connected(number) as line:
        assert said(line, b"hello") == b"hello"
        proxy.do("echo", "half")
        # Either we are told that nothing more comes, or the server is, which says farewell.
        assert line.recv(4096) in {b"", b"bye"}


def test_what_is_stalled_arrives_once_it_is_healed(port: tuple[Proxy, int]) -> None:
    proxy, number = port
    with connected(number) as line:
        assert said(line, b"hello") == b"hello"
        proxy.do("echo", "stall", for_s=60)
        line.sendall(b"patience")
        line.settimeout(STALLED_S)
        with pytest.raises(TimeoutError):
            line.recv(4096)
        line.settimeout(PATIENCE_S)
        proxy.heal()
        assert line.recv(4096) == b"patience"


def test_an_order_that_makes_no_sense_is_refused(port: tuple[Proxy, int]) -> None:
    with pytest.raises(RuntimeError, match="KeyError"):
        port[0].do("nowhere", "cut")
    with pytest.raises(RuntimeError, match="ValueError"):
        port[0].do("echo", "sing")
