"""A mail server that takes every mail and keeps it as a file.

python -m harness.stack.smtp --port 2525 --dir mails
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP

from harness.stack.children import Child, spawn
from harness.stack.ports import LOOPBACK, answers, free_port, wait_for

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

_START_S_MAX = 15.0
_TESTS = Path(__file__).resolve().parents[2]


class Smtp:
    """A mail server."""

    def __init__(self, host: str, port: int, *, folder: Path | None = None) -> None:
        """Take its address, and the folder in which it keeps mails if it does and we can look there."""
        self.host = host
        self.port = port
        self.folder = folder

    def mails(self) -> list[EmailMessage]:
        """Return every mail it was given, in order.

        Raises:
            RuntimeError: nobody said where it keeps them.
        """
        if self.folder is None:
            raise RuntimeError("REVIEW_SMTP_DIR does not say where the mail server keeps its mails")
        parser = BytesParser(EmailMessage, policy=policy.default)
        return [parser.parsebytes(file.read_bytes()) for file in sorted(self.folder.glob("*.eml"))]


class LocalSmtp(Smtp):
    """A mail server of ours, which can be stopped and started again on the same port."""

    def __init__(self, var_dir: Path, *, keep: bool = False) -> None:
        """Prepare, without starting it; mails go to `var_dir/mails`, which is emptied unless they are kept."""
        folder = (var_dir / "mails").absolute()
        super().__init__(LOOPBACK, free_port(), folder=folder)
        self._log = (var_dir / "log" / "smtp.log").absolute()
        self._child: Child | None = None
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        """The process id of the server, which must have been started."""
        assert self._child is not None
        return self._child.pid

    def launch(self) -> None:
        """Start the server without waiting until it answers."""
        command = [sys.executable, "-m", "harness.stack.smtp", "--port", str(self.port), "--dir", str(self.folder)]
        path = os.pathsep.join([str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._child = spawn("The mail server", command, log=self._log, env={"PYTHONPATH": path})

    def wait_until_ready(self) -> None:
        """Return when it accepts connections.

        Raises:
            RuntimeError: it ended; the message has its last words.
        """
        child = self._child
        assert child is not None
        wait_for(lambda: child.check() and answers(self.port), what="the mail server's start", timeout_s=_START_S_MAX)

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop it; mails stay."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """Kill it at once."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop it and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it. The mails stay where they are: they are what people look at afterwards."""
        self.stop()


class _Keeper:
    """Writes mails into a folder, numbered in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1 + max((int(file.stem) for file in folder.glob("*.eml")), default=0))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Keep one mail; the names are aiosmtpd's."""
        content = envelope.original_content or b""
        draft = self._folder / f".{next(self._numbers):05d}"
        await asyncio.to_thread(draft.write_bytes, content)
        draft.rename(self._folder / f"{draft.name[1:]}.eml")
        return "250 kept"


async def _serve(port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    keeper = _Keeper(folder)
    server = await loop.create_server(lambda: SMTP(keeper, enable_SMTPUTF8=True, loop=loop), LOOPBACK, port)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with server:
        await ending.wait()


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="Keep every mail as a file.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port, options.dir))
    return 0


if __name__ == "__main__":
    sys.exit(main())
