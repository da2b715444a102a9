"""The stage of every run: the system with its reviews, the orchestrator, the hands; at the end the history in files."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from faults.book import TABLES_LEFT_OUT, Book
from faults.cast import Scene, arrange
from faults.ground import addresses, ground
from faults.hands import Hands, Orchestrator
from faults.load import loaded
from harness.eventually import Polling, eventually
from harness.people import SERVICES
from harness.stack.progress import step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.ground import ProxiedSystem
    from faults.load import Load

TESTS = Path(__file__).resolve().parents[1]
ARRANGE_S_MAX = 180.0
# Who is still not quiet by then is not waited for; the judge says what hangs.
GIVE_UP_S = 180.0
TAIL_MAX = 1_000
_TABLES = """
select relname from pg_class
where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How much people do, a second."""

    commands: float = 60.0
    reads: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that a run needs. `say` takes lines about progress."""

    system: ProxiedSystem
    scene: Scene
    book: Book
    orchestrator: Orchestrator
    hands: Hands
    say: Callable[[str], None]

    def load(self, rates: Rates, seed: int) -> contextlib.AbstractContextManager[Load]:
        """Within the block people act and read."""
        return loaded(
            self.book,
            self.scene,
            addresses(self.system),
            seed=seed,
            commands_per_s=rates.commands,
            reads_per_s=rates.reads,
        )

    def settle(self, since: float) -> float | None:
        """Wait until all is quiet; return how many seconds it was after `since`, None if it never was."""
        with step("settling", self.say):
            try:
                eventually(self._quiet, GIVE_UP_S - (time.monotonic() - since), what="quiet", why=self._why)
            except TimeoutError as error:
                self.say(str(error))
                return None
        return time.monotonic() - since

    def hanging(self) -> list[str]:
        """Return what is still to be done, and the last words of every process but the web's."""
        places = [(service, verb) for service, verb in self.system.places if verb != "web"]
        tails = {place: self.system.process(*place).log_tail()[-TAIL_MAX:] for place in places}
        words = [f"{service} {verb}:\n{tail}" for (service, verb), tail in tails.items()]
        return [f"still to be done: {self._why()}", *words]

    def finish(self, **words: Any) -> tuple[bool, str]:
        """Write what is left of the history, and have it judged; return whether all is well, and the verdict."""
        with step("writing the history", self.say):
            for service in SERVICES:
                self.book.rows(service, _rows(self.system, service))
            self.book.mails(_mails(self.system, self.book))
            self.book.documents()
            reviews = [{"id": one.review_id, "employee": one.employee.id} for one in self.scene.parts]
            self.book.run(reviews=reviews, **words)
        with step("judging", self.say):
            return judge(self.book.folder)

    def _quiet(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return not self.system.ended() and self.system.settled()
        return False

    def _why(self) -> object:
        with contextlib.suppress(psycopg.OperationalError):
            return self.system.unsettled()
        return "PostgreSQL does not answer"


@contextlib.contextmanager
def staged(var_dir: Path, *, reviews: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """Within the block everything is up, every packet is with its manager; the history goes to `var_dir/history`."""
    with ground(var_dir, say) as system:
        with step(f"arranging {reviews} reviews", say):
            scene = arrange(system, Polling(ARRANGE_S_MAX), reviews)
        book, orchestrator = Book(var_dir / "history"), Orchestrator(system)
        stage = Stage(
            system=system,
            scene=scene,
            book=book,
            orchestrator=orchestrator,
            hands=Hands(system, book, orchestrator),
            say=say,
        )
        with orchestrator.watching():
            yield stage


def judge(folder: Path) -> tuple[bool, str]:
    """Have the judge look at a history; return whether all is well, and what it said."""
    command = [sys.executable, "-m", "faults.judge", str(folder)]
    found = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    return found.returncode == 0, found.stdout + found.stderr


def _rows(system: ProxiedSystem, service: str) -> dict[str, list[Any]]:
    names = [name for (name,) in system.rows(service, _TABLES) if name not in TABLES_LEFT_OUT]
    return {name: [row for (row,) in system.rows(service, f"select to_jsonb(t) from {name} t")] for name in names}  # noqa: S608 -- our own tables


def _mails(system: ProxiedSystem, book: Book) -> Iterator[dict[str, Any]]:
    folder = system.stack.smtp.folder
    assert folder is not None
    parser = BytesParser(policy=policy.default)
    for file in sorted(folder.glob("*.eml")):
        mail = parser.parsebytes(file.read_bytes(), headersonly=True)
        yield {
            "id": str(mail["Message-ID"]).strip("<>").partition("@")[0],
            "to": str(mail["To"]),
            "arrived": book.at(file.stat().st_mtime),
            "decided": book.at(parsedate_to_datetime(str(mail["Date"])).timestamp()),
        }
