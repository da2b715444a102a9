"""The local stack: every server does its work, survives a restart and a kill, and is gone afterwards."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from harness.stack import Stack
from harness.stack.children import spawn
from harness.stack.ports import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESSES = ("REVIEW_POSTGRES_URL", "REVIEW_KAFKA_BOOTSTRAP", "REVIEW_SMTP_URL")


@pytest.fixture(scope="module", autouse=True)
def no_given_addresses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ADDRESSES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def stack(no_given_addresses: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack.start(var_dir=tmp_path_factory.mktemp("stack"), say=lambda _: None) as running:
        yield running


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder that every user may enter, so that PostgreSQL keeps its rows in it also where root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="review-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def test_a_service_role_writes_rows_but_changes_no_tables(stack: Stack) -> None:
    database = stack.postgres.create_service_databases(["alpha"])["alpha"]
    with psycopg.connect(plain(database.migrations_url)) as migrator:
        migrator.execute("CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text)")
    with psycopg.connect(plain(database.url)) as service:
        service.execute("INSERT INTO thing (word) VALUES ('kept')")
        service.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("CREATE TABLE other (id int)")
        service.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("DROP TABLE thing")


def test_a_service_role_does_not_reach_another_services_database(stack: Stack) -> None:
    databases = stack.postgres.create_service_databases(["beta", "gamma"])
    stolen = plain(databases["beta"].url).rpartition("/")[0] + "/gamma"
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(stolen)


def test_a_clone_has_the_rows_and_rights_of_its_template_and_goes_its_own_way(stack: Stack) -> None:
    original = stack.postgres.create_service_databases(["delta"])["delta"]
    with psycopg.connect(plain(original.migrations_url)) as migrator:
        migrator.execute("CREATE TABLE thing (word text)")
        migrator.execute("INSERT INTO thing VALUES ('from the template')")
    clone = stack.postgres.clone_database("delta", "delta_clone", service="delta")
    with psycopg.connect(plain(clone.url)) as service:
        service.execute("INSERT INTO thing VALUES ('of the clone')")
        words = service.execute("SELECT word FROM thing ORDER BY word").fetchall()
    assert words == [("from the template",), ("of the clone",)]
    with psycopg.connect(plain(original.url)) as service:
        assert service.execute("SELECT count(*) FROM thing").fetchone() == (1,)
    stack.postgres.drop_database("delta_clone")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(plain(clone.url))


@pytest.mark.parametrize("ending", ["restart", "kill"])
def test_committed_rows_survive_the_end_of_postgres(stack: Stack, ending: str) -> None:
    name = f"epsilon_{ending}"
    database = stack.postgres.create_service_databases([name])[name]
    with psycopg.connect(plain(database.migrations_url)) as migrator:
        migrator.execute("CREATE TABLE thing (word text)")
        migrator.execute("INSERT INTO thing VALUES ('committed')")
    server = stack.local_postgres
    workers = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
    if ending == "restart":
        server.restart()
    else:
        server.kill()
        assert not any(runs(pid) for pid in workers)
        assert not server.answers()
        server.start()
    with psycopg.connect(plain(database.url)) as service:
        assert service.execute("SELECT word FROM thing").fetchall() == [("committed",)]


@pytest.mark.parametrize("ending", ["restart", "kill"])
def test_acknowledged_records_survive_the_end_of_kafka(stack: Stack, ending: str) -> None:
    topic = f"topic-{ending}"
    broker = stack.local_kafka
    broker.create_topics({topic: 3})
    send(broker.bootstrap, topic, count=100)
    if ending == "restart":
        broker.restart()
    else:
        broker.kill()
        assert not broker.answers()
        broker.start()
    assert receive(broker.bootstrap, topic, count=100) == {b"%d" % number for number in range(100)}


def test_a_topic_that_nobody_made_does_not_appear_by_itself(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka.bootstrap, api_version=(4, 0), max_block_ms=500)
    with pytest.raises(Exception, match=r"(?i)timeout|unknown|metadata"):
        producer.send("misspelt", b"value").get(2)
    producer.close()
    assert "misspelt" not in stack.kafka.topics()


def test_a_wiped_kafka_has_no_topics(stack: Stack) -> None:
    broker = stack.local_kafka
    broker.create_topics({"forgotten": 1})
    broker.stop()
    broker.wipe()
    broker.start()
    assert broker.topics() == set()


def test_a_mail_is_kept_as_it_was_sent_also_over_a_restart(stack: Stack) -> None:
    for subject in ("first", "second"):
        with smtplib.SMTP(stack.smtp.host, stack.smtp.port) as client:
            content = f"Subject: {subject}\r\nTo: b@example.org\r\n\r\ngrüße\r\n".encode()
            client.sendmail("a@example.org", ["b@example.org"], content, mail_options=["BODY=8BITMIME"])
        stack.local_smtp.restart()
    mails = stack.smtp.mails()
    assert [mail["subject"] for mail in mails] == ["first", "second"]
    assert mails[0].get_payload(decode=True) == "grüße\r\n".encode()


def test_given_addresses_are_used_and_their_servers_left_alone(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEW_POSTGRES_URL", stack.postgres.admin_url)
    monkeypatch.setenv("REVIEW_KAFKA_BOOTSTRAP", stack.kafka.bootstrap)
    monkeypatch.setenv("REVIEW_SMTP_URL", f"smtp://{stack.smtp.host}:{stack.smtp.port}")
    monkeypatch.setenv("REVIEW_SMTP_DIR", str(stack.smtp.folder))
    with Stack.start(var_dir=tmp_path, say=lambda _: None) as guest:
        database = guest.postgres.create_service_databases(["zeta"])["zeta"]
        guest.kafka.create_topics({"of-the-guest": 1})
        assert len(guest.smtp.mails()) == len(stack.smtp.mails())
        with pytest.raises(AssertionError):
            _ = guest.local_kafka
    with psycopg.connect(plain(database.url)) as service:
        assert service.execute("SELECT 1").fetchone() == (1,)
    assert "of-the-guest" in stack.kafka.topics()


def test_a_kept_stack_finds_its_rows_records_and_mails_again(open_dir: Path) -> None:
    with Stack.start(var_dir=open_dir, keep=True, say=lambda _: None) as stack:
        stack.postgres.create_service_databases(["eta"])
        stack.kafka.create_topics({"kept": 1})
        send(stack.kafka.bootstrap, "kept", count=1)
        (open_dir / "mails" / "00001.eml").write_text("Subject: kept\r\n\r\n")
    with Stack.start(var_dir=open_dir, keep=True, say=lambda _: None) as stack:
        with psycopg.connect(plain(stack.postgres.database("eta", name="eta").url)) as service:
            assert service.execute("SELECT 1").fetchone() == (1,)
        assert receive(stack.kafka.bootstrap, "kept", count=1) == {b"0"}
        assert [mail["subject"] for mail in stack.smtp.mails()] == ["kept"]


def test_nothing_is_left_running_or_lying_about_after_the_stack(tmp_path: Path) -> None:
    with Stack.start(var_dir=tmp_path, say=lambda _: None) as stack:
        pids = [stack.local_postgres.pid, stack.local_kafka.pid, stack.local_smtp.pid]
        assert all(runs(pid) for pid in pids)
    assert not any(runs(pid) for pid in pids)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "mails"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_servers_end_with_the_process_that_started_them(open_dir: Path, number: signal.Signals) -> None:
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent was killed")
    program = f"""
import pathlib, time
from harness.stack import Stack
with Stack.start(var_dir=pathlib.Path({str(open_dir)!r}), kafka=False, say=lambda _: None) as stack:
    print(stack.local_postgres.pid, stack.local_smtp.pid, flush=True)
    time.sleep(120)
"""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as starter:
        assert starter.stdout is not None
        pids = [int(word) for word in starter.stdout.readline().split()]
        assert pids
        assert all(runs(pid) for pid in pids)
        starter.send_signal(number)
    wait_for(lambda: not any(runs(pid) for pid in pids), what="the servers' end", timeout_s=20)


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    children = []
    thread = threading.Thread(
        target=lambda: children.append(spawn("sleep", ["/bin/sleep", "60"], log=tmp_path / "log"))
    )
    thread.start()
    thread.join()
    (child,) = children
    with pytest.raises(TimeoutError):
        child.wait(0.3)
    child.kill()
    assert child.exit_code == -signal.SIGKILL


def test_a_child_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = spawn("The shell", ["/bin/sh", "-c", "echo no such luck; exit 3"], log=tmp_path / "log")
    assert child.wait(10) == 3
    with pytest.raises(RuntimeError, match=r"(?s)The shell ended with 3.*no such luck"):
        child.check()


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(bootstrap: str, topic: str, *, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, api_version=(4, 0), acks="all")
    answers = [producer.send(topic, b"%d" % number) for number in range(count)]
    producer.flush()
    assert all(answer.get(10) for answer in answers)
    producer.close()


def receive(bootstrap: str, topic: str, *, count: int) -> set[bytes]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        api_version=(4, 0),
        group_id=f"reader of {topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=30_000,
    )
    values: set[bytes] = set()
    for record in consumer:
        values.add(record.value)
        if len(values) == count:
            break
    consumer.close()
    return values
