"""What all tests share: servers that are started once, and limits on sockets and time by folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest

from harness.databases import drop_all, run_name
from harness.stack import Kafka, Postgres, Smtp, Stack
from harness.stack.kafka_jars import jars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).parent
WITHOUT_SERVERS = ("unit", "explore", "model", "mutants")
WITHOUT_SOCKETS = ("unit",)
WITH_KAFKA = ("", "contract", "integration", "faults")
REAL_SERVERS = ("integration", "faults", "e2e")
REAL_SERVERS_TIMEOUT_S = 180
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
SHARED_POSTGRES = "REVIEW_TEST_POSTGRES_URL"

# No test depends on how fast the machine is.
hypothesis.settings.register_profile("ours", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ours")
_shared = pytest.StashKey[Stack]()
_passed = pytest.StashKey[bool]()
_folders = pytest.StashKey[list[Path]]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before any test closes the network fetch Kafka; before several processes run tests start their PostgreSQL."""
    config = session.config
    run_name()
    folders = _folders_asked_for(config)
    if hasattr(config, "workerinput") or config.getoption("collectonly"):
        return
    if folders.intersection(WITH_KAFKA) and "REVIEW_KAFKA_BOOTSTRAP" not in os.environ:
        jars(_say(config))
    if config.getoption("numprocesses", default=None) and folders.difference(WITHOUT_SERVERS):
        config.stash[_shared] = _start(config, "shared", postgres=True)
        os.environ[SHARED_POSTGRES] = config.stash[_shared].postgres.admin_url


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember whether all was well: then nobody needs the logs."""
    session.config.stash[_passed] = exitstatus == pytest.ExitCode.OK


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the session started."""
    if (stack := config.stash.get(_shared, None)) is not None:
        drop_all(stack.postgres)
        stack.stop()
    if config.stash.get(_passed, False):
        for folder in config.stash.get(_folders, []):
            shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Close the network to each test as far as its folder allows, and give real servers more time."""
    hosts = LOOPBACK + _given_hosts()
    for item in items:
        folder = _folder(item.path)
        if folder in WITHOUT_SOCKETS:
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.allow_hosts(hosts))
        if folder in REAL_SERVERS and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(REAL_SERVERS_TIMEOUT_S))


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """Give the PostgreSQL server that all tests share: nobody stops it, databases are made by `harness.databases`."""
    if url := os.environ.get(SHARED_POSTGRES):
        yield Postgres(url)
        return
    with _start(pytestconfig, "postgres", postgres=True) as stack:
        yield stack.postgres
        drop_all(stack.postgres)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[Kafka]:
    """Give a broker that the tests of one process share: nobody stops it, topics are named after their test.

    Tests that use it are marked `xdist_group("kafka")`, so that one process starts one.
    """
    with _start(pytestconfig, "kafka", kafka=True) as stack:
        yield stack.kafka


@pytest.fixture(scope="session")
def smtp(pytestconfig: pytest.Config) -> Iterator[Smtp]:
    """Give a mail server that the tests of one process share; tests tell their mails by the addresses."""
    with _start(pytestconfig, "smtp", smtp=True) as stack:
        yield stack.smtp


def _start(
    config: pytest.Config, name: str, *, postgres: bool = False, kafka: bool = False, smtp: bool = False
) -> Stack:
    var_dir = Path(tempfile.mkdtemp(prefix=f"review-tests-{name}-"))
    var_dir.chmod(0o755)  # as root, PostgreSQL is another user and keeps its rows in here
    config.stash.setdefault(_folders, []).append(var_dir)
    return Stack.start(var_dir=var_dir, postgres=postgres, kafka=kafka, smtp=smtp, say=_say(config))


def _say(config: pytest.Config) -> Callable[[str], None]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    return say


def _folders_asked_for(config: pytest.Config) -> set[str]:
    return {_folder(Path(argument.partition("::")[0]).absolute()) for argument in config.args}


def _folder(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) and path != TESTS else ""


def _given_hosts() -> list[str]:
    addresses = [os.environ.get("REVIEW_POSTGRES_URL"), os.environ.get("REVIEW_SMTP_URL")]
    if bootstrap := os.environ.get("REVIEW_KAFKA_BOOTSTRAP"):
        addresses += [f"kafka://{one}" for one in bootstrap.split(",")]
    return [host for address in addresses if address and (host := urlsplit(address).hostname)]
