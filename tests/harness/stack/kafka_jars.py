"""The jars of Apache Kafka: which ones, with which checksums, and how they come into the cache.

    python -m harness.stack.kafka_jars   resolve them anew and write kafka.lock

The lock has one line per jar, `group:artifact:version sha256`. No jar is used whose bytes it does not name.
A mirror of the Maven repository is told by REVIEW_MAVEN_URL.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.stack.cache import cache_root, cached
from harness.stack.progress import step

if TYPE_CHECKING:
    from collections.abc import Callable

    from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.0"
LOCK = Path(__file__).with_name("kafka.lock")
_SERVER = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Lets the server write a log file. Taken without its dependencies, which the server brings in this version: resolved
# together, the logging project's own version table would replace jars of Kafka by older ones.
_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
_DOWNLOADS_AT_ONCE = 8
_TRIES_MAX = 3
_ANSWER_S_MAX = 60


def jars(say: Callable[[str], None] | None = None) -> Path:
    """Return the folder with the jars that the lock names, fetched if it is not in the cache.

    Raises:
        RuntimeError: a jar is not to be had, or has other bytes than the lock says.
    """
    lock = LOCK.read_bytes()
    locked = [Locked(*line.split()) for line in lock.decode().splitlines() if line and not line.startswith("#")]
    name = f"kafka-{KAFKA_VERSION}-{hashlib.sha256(lock).hexdigest()[:12]}"

    def fetch(draft: Path) -> None:
        context = _maven(draft / "repository")
        with step(f"fetching Kafka {KAFKA_VERSION} ({len(locked)} jars, 44 MB)", say):
            with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
                list(pool.map(lambda jar: _fetch(context, jar, draft), locked))
            shutil.rmtree(draft / "repository")

    folder = cached(cache_root(), name, fetch)
    for jar in locked:
        _verify(folder / jar.file_name, jar)
    return folder


class Locked(NamedTuple):
    """A line of the lock."""

    coordinate: str  # group:artifact:version
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in a Maven repository and here."""
        return "-".join(self.coordinate.split(":")[1:]) + ".jar"


def _fetch(context: MavenContext, jar: Locked, into: Path) -> None:
    group, name, version = jar.coordinate.split(":")
    artifact = context.project(group, name).at_version(version).artifact()
    for tries_left in reversed(range(_TRIES_MAX)):
        try:
            got = artifact.resolve()
            break
        except (OSError, RuntimeError):
            if not tries_left:
                raise
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)
    _verify(got, jar)
    got.rename(into / jar.file_name)


def _verify(file: Path, jar: Locked) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise RuntimeError(f"{file} has the checksum {found}, but the lock says {jar.sha256}: remove its folder")


def _maven(repository: Path) -> MavenContext:
    from jgo.maven import MavenContext  # noqa: PLC0415 - half a second that only fetching needs

    mirror = os.environ.get("REVIEW_MAVEN_URL")
    remotes = {"mirror": mirror.rstrip("/")} if mirror else None
    return MavenContext(repo_cache=repository, remote_repos=remotes, timeout=_ANSWER_S_MAX)


def main() -> int:
    """Resolve what Kafka needs and write the lock."""
    context = _maven(cache_root() / "maven")
    server, logging = (context.create_dependency(coordinate) for coordinate in (_SERVER, _LOGGING))
    asked, needed = context.resolver.resolve([server])
    lines = []
    for one in (*asked, *needed, logging):
        checksum = hashlib.sha256(one.artifact.resolve().read_bytes()).hexdigest()
        lines.append(f"{one.groupId}:{one.artifactId}:{one.version} {checksum}\n")
    LOCK.write_text("# python -m harness.stack.kafka_jars\n" + "".join(sorted(lines)))
    print(f"{len(lines)} jars")
    return 0


if __name__ == "__main__":
    sys.exit(main())
