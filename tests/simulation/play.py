"""What everybody shares who takes part in a schedule: the system, what was seen last, chance, the story, the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulation.consent import Consent
from simulation.letters import Parked
from simulation.post import Post
from simulation.readers import decisive, misread
from simulation.records import Order
from simulation.rules import Memory, breaches
from simulation.sight import look
from simulation.tally import Tally

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    import httpx

    from harness.clients import Session
    from harness.people import Person
    from simulation.acts import Act
    from simulation.machines import System
    from simulation.scene import Known
    from simulation.sight import Sight


class Violation(BaseException):
    """A rule is broken; the arguments are the sentences that say which.

    It is no `Exception`: it may be raised while a loop of the product waits, which must not take it for its own.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command as it was given, and how it was answered; status 0: the answer was lost."""

    act: Act
    who: Person
    path: str
    body: Any
    version: str | None
    key: str
    status: int
    answer: Any
    at: datetime
    # Where the process died that carried it out.
    died: str = ""
    location: str = ""


@dataclass(slots=True)
class Play:
    """A run of one seed. `story` tells what happened, line by line."""

    system: System
    known: Known
    seed: int
    random: Random
    memory: Memory = field(default_factory=Memory)
    tally: Tally = field(default_factory=Tally)
    story: list[str] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    copies: dict[str, bool] = field(default_factory=dict)
    seen: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    sight: Sight = field(init=False)
    order: Order = field(default_factory=Order)
    parked: Parked = field(default_factory=Parked)
    post: Post = field(init=False)
    consent: Consent = field(init=False)
    # What the rows of a restored service had counted in the copy.
    counted_before: dict[str, Any] = field(default_factory=dict)
    restored: str = ""
    # Of what was before then a restored notifications mails nobody.
    silent_until: datetime | None = None
    # Whether facts may be gone for good, and who has read again what it had forgotten to have read.
    lost_facts: bool = False
    forgot: set[str] = field(default_factory=set)
    # While a service's connections are being ended its answers may be anything.
    cut_off: bool = False
    poisoned: int = 0
    depth: int = 0
    # A service whose consumer stands still, for so many steps.
    lagging: str = ""
    lag_left: int = 0

    def __post_init__(self) -> None:
        self.sight = look(self.system.ground, self.system.clock.now)
        self.post = Post(self.system.ground)
        self.consent = Consent({key: row["epoch"] for key, row in self.sight.packet_rows.items()})
        for wire in self.system.wires:
            wire.asked = self._asked

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.system.clock.now:%d %H:%M:%S}  {'  ' * self.depth}{line}")

    def whole_story(self) -> str:
        """Everything that was told, with people in place of their reviews' ids."""
        return self.short("\n".join(self.story))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, also for what the databases' own clocks have stamped."""
        self.system.clock.forward(seconds=seconds)
        for rows in self.system.ground.rows.values():
            rows.run("update outbox set created_at = created_at - make_interval(secs => %s)", seconds)

    def session(self, who: Person) -> Session:
        """A person at the gateway."""
        if who.id not in self.sessions:
            self.sessions[who.id] = self.system.gateway.as_(who)
        return self.sessions[who.id]

    def judge(self, *, reads: bool = True) -> None:
        """Hold what is there now against every rule; raises `Violation`.

        Without `reads`, who may read what is judged the next time: in the midst of a transaction a read may wait.
        """
        after = look(self.system.ground, self.system.clock.now)
        found = breaches(self.sight, after, self.memory, restored=self.restored)
        found += [f"E {one}" for one in self.system.ended]
        found += [*self.order.breaches(self.system.sent), *self.post.wrong]
        found += self.parked.breaches(self.system, after)
        found += self.consent.breaches(self.sight, after, self.system.clock.now)
        self.restored = ""
        for review_id, packet in after.packet_rows.items():
            self.tally.states[f"packet {packet['state']}"] += self._moved(review_id, packet, "packet_rows", "state")
        for review_id, record in after.records.items():
            for name in ("employee", "manager", "completion"):
                word = f"{name}_state"
                self.tally.states[f"{name} {record[word]}"] += self._moved(review_id, record, "records", word)
        self.sight = after
        for review_id in sorted(after.reviews) if reads else ():
            basis = decisive(after, review_id)
            if self.seen.get(review_id) != basis and after.reviews[review_id]["started"]:
                self.seen[review_id] = basis
                found += misread(after, review_id, self._ask, self.system.ground, self.memory, self.random)
        if found:
            raise Violation(*found)

    def _asked(self, caller: str, to: str, request: httpx.Request, _: httpx.Response) -> None:
        if caller == "notifications" and request.url.path == "/internal/visibility":
            self.post.question(to, self.system.clock.now)

    def _moved(self, review_id: str, row: Any, rows: str, column: str) -> int:
        before = getattr(self.sight, rows).get(review_id)
        return int(before is None or before[column] != row[column])

    def _ask(self, who: Person, path: str) -> httpx.Response:
        return self.session(who).get(path)

    def short(self, words: str) -> str:
        """Ids as people's names."""
        for review_id, row in self.sight.reviews.items():
            words = words.replace(review_id, f"<{row['subject_id'][2:]}>")
        return words
