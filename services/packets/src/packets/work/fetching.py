"""Fetching from assessment: contents and questionnaires by their hashes, names for what is printed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packets import store
from packets.commands import learning, selection
from packets.commands.keeping import REBIND
from packets.peers import ITEMS_MAX, is_intact
from packets.store import Names
from reviewbus import jobs, telemetry
from reviewbus.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from packets.domain.packet import Packet
    from packets.peers import Assessment, Item
    from reviewbus.db import Database
    from reviewbus.jobs import Job

_log = telemetry.logger("packets")


class NotThere(jobs.NotYet):
    """Assessment did not have what was asked for, or what it sent is not what its hashes say; ask again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Does the jobs that ask assessment. Nothing is asked within a transaction."""

    db: Database
    assessment: Assessment

    def contents(self, batch: Sequence[Job]) -> None:
        """Fetch the submitted versions that packets wait for; what comes intact is recorded, the rest tried again."""
        wanted = {job.id: ("manager-assessment", job.arguments["review_id"], job.arguments["version"]) for job in batch}
        found = self._intact(list(wanted.values()))
        for job in sorted(batch, key=lambda each: each.key):
            item = found.get(wanted[job.id])
            if item is not None:
                crash_point("packets-content-fetched")
                with suppress(jobs.LeaseLost):
                    self._record_content(job, item)
        self._complain(len(batch) - sum(each in found for each in wanted.values()))

    def questionnaires(self, batch: Sequence[Job]) -> None:
        """Fetch questionnaires, and have the packets judged anew that wait for them."""
        wanted = {job.id: ("questionnaire", job.arguments["id"], job.arguments["version"]) for job in batch}
        found = self._intact(list(wanted.values()))
        for job in batch:
            item = found.get(wanted[job.id])
            if item is not None:
                with suppress(jobs.LeaseLost):
                    self._record_questionnaire(job, item)
        self._complain(len(batch) - sum(each in found for each in wanted.values()))

    def people(self, batch: Sequence[Job]) -> None:
        """Fetch the names of packets' people and cycles and freeze them with what is shown."""
        self.freeze([job.arguments["review_id"] for job in batch])

    def freeze(self, review_ids: Sequence[str]) -> None:
        """Freeze names with the snapshots of these packets; who has no name is called by the id."""
        with self.db.begin() as tx:
            packets = store.read_many(tx, review_ids)
        ids = {each for packet in packets.values() for each in (packet.subject_id, packet.manager_id)}
        people = _asked(self.assessment.people, ids)
        cycles = _asked(self.assessment.cycles, {packet.cycle_id for packet in packets.values()})
        with self.db.begin() as tx:
            for packet in packets.values():
                store.freeze_names(tx, packet, _names(packet, people, cycles))

    def _record_questionnaire(self, job: Job, item: Item) -> None:
        with self.db.begin() as tx:
            # Before the job, as whoever learns of a cycle does.
            cycles = store.lock_asking(tx, (item["id"], item["version"]))
            jobs.finish(tx, job)
            store.keep_questionnaire(tx, item)
            for each in cycles:
                selection.follow(tx, each)
            jobs.enqueue_many(tx, REBIND, {each: {"cycle_id": each} for each in cycles})

    def _record_content(self, job: Job, item: Item) -> None:
        questionnaire = (item["questionnaire_id"], item["questionnaire_version"])
        with self.db.begin() as tx:
            # Where this version waits for something, its packet is locked first, as everywhere.
            store.load(tx, item["id"])
            jobs.finish(tx, job)
            store.keep_contents(tx, [item])
            if not store.has_questionnaire(tx, questionnaire):
                learning.want_questionnaire(tx, questionnaire)
            learning.content_fetched(tx, item["id"], item["version"], item["content_hash"])

    def _intact(self, wanted: list[tuple[str, str, int]]) -> dict[tuple[str, str, int], Item]:
        found = self.assessment.contents(wanted)
        broken = {key for key, item in found.items() if not is_intact(item)}
        for kind, object_id, version in sorted(broken):
            _log.error("fetched_hash_differs", kind=kind, object_id=object_id, version=version)
        return {key: item for key, item in found.items() if key not in broken}

    def _complain(self, absent: int) -> None:
        if absent:
            raise NotThere(str(absent))


def _asked(ask: Callable[[Sequence[str]], dict[str, Item]], ids: Collection[str]) -> dict[str, Item]:
    wanted = sorted(ids)
    found: dict[str, Item] = {}
    for start in range(0, len(wanted), ITEMS_MAX):
        found |= ask(wanted[start : start + ITEMS_MAX])
    return found


def _names(packet: Packet, people: dict[str, Item], cycles: dict[str, Item]) -> Names:
    subject, manager = people.get(packet.subject_id), people.get(packet.manager_id)
    cycle = cycles.get(packet.cycle_id)
    return Names(
        subject=subject["name"] if subject else packet.subject_id,
        manager=manager["name"] if manager else packet.manager_id,
        cycle=cycle["name"] if cycle else None,
        language=(subject.get("language") or "en") if subject else "en",
    )
