"""What must be true of the whole system once the demo's story has been told.

Each check returns what it found against it, in words; nothing when all is well.
"""

from __future__ import annotations

import html
import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pypdf

from harness.demo_story import MANAGER, PHRASES, RATED, SHOWN, SHOWN_AT_FIRST
from harness.people import CAST, SERVICES
from harness.story import SCALE
from reviewbus.catalogue import Catalogue, ContractBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from email.message import EmailMessage

    from harness.demo_story import Telling
    from harness.observer import Written
    from harness.system import System

    Row = Mapping[str, Any]

SUBJECTS = {
    "kick-off": "Your review has begun",
    "shared": "A self-assessment has been shared with you",
    "released-to-manager": "A review packet is ready for you to release",
    "released": "Your review packet is available",
    "signature-due": "Your signature is asked for",
    "signed": "Your signature has been recorded",
    "unreleased": "A review packet has been taken back",
    "revoked": "Your signature has been revoked",
}
REGISTERED = ("assessment", "packets", "signing")
SETTLED = ("signed", "completed")
FINDINGS_SHOWN_MAX = 5
DRAFT = "Draft, not released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found; it is well if that is nothing."""

    name: str
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Say whether nothing was found."""
        return not self.findings


def check_all(telling: Telling, records: Sequence[Written]) -> list[Outcome]:
    """Make every check. `records` are all records of all topics; the system has come to rest and still runs."""
    system, mails = telling.system, telling.system.mails()
    checks: dict[str, Callable[[], Iterable[str]]] = {
        "every record validates against its schema": lambda: broken_contracts(records),
        "each key's records are in order": lambda: out_of_order(records),
        "who read what is recorded": lambda: unread(records),
        "what people wrote is in no record": lambda: planted(PHRASES, _texts(records)),
        "what people wrote is in no log line": lambda: planted(PHRASES, _log_lines(system)),
        "what people wrote is in no mail": lambda: planted(PHRASES, _mail_texts(mails)),
        "nobody's name or address is in a record": lambda: planted(_names(), _texts(records)),
        "nobody's name or address is in a log line": lambda: planted(_names(), _log_lines(system)),
        "mails name nobody but their recipient": lambda: others_named(mails),
        "the PDF holds what is shared and nothing else": lambda: wrong_pdfs(telling.pdfs),
        "the PDF is the same bytes each time": lambda: differing_pdfs(telling.pdfs),
        "another content has another hash, under a new epoch": lambda: same_again(telling.snapshots, telling.epochs),
        "every outbox is empty": lambda: rows_left(system, "outbox"),
        "there are no dead letters": lambda: dead_letters(system),
        "the locks agree with the states": lambda: disagreements(*(_states(telling, name) for name in REGISTERED)),
        "every mail that was due came exactly once": lambda: wrong_mails(telling.mails, mails),
        "every process still runs and logged no error": lambda: faults(system),
    }
    return [Outcome(name=name, findings=tuple(find())) for name, find in checks.items()]


# -- records -----------------------------------------------------------------------------------------------------------


def broken_contracts(records: Sequence[Written]) -> Iterator[str]:
    """Find records whose data, topic, key or subject is not as the contracts say."""
    catalogue = Catalogue.load()
    if not records:
        yield "there are no records at all"
    for one in records:
        try:
            catalogue.validate(one.type, one.data)
        except ContractBroken as broken:
            yield f"{_place(one)}: {broken}"
            continue
        known = catalogue.types[one.type]
        if known.topic != one.topic:
            yield f"{_place(one)}: {one.type} belongs into {known.topic}"
        if not one.key == one.headers.get("ce_subject") == str(one.data[known.key]):
            yield f"{_place(one)}: key, ce_subject and {known.key} differ"


def out_of_order(records: Sequence[Written]) -> Iterator[str]:
    """Find records that come before an earlier one of the same source and key; a repeat of the last one is none."""
    last: dict[tuple[str, str, str], Written] = {}
    for one in records:
        stream = (one.topic, one.headers["ce_source"], one.key)
        before = last.get(stream)
        last[stream] = one
        if before is None or one.headers["ce_id"] == before.headers["ce_id"]:
            continue
        if int(one.headers["ce_sequence"]) <= int(before.headers["ce_sequence"]):
            yield f"{_place(one)}: {one.type} after {before.type}, but not later in ce_sequence"


def unread(records: Sequence[Written]) -> Iterator[str]:
    """Find that the readings of the story are not among the records: one of a self-assessment, one of each packet."""
    read = Counter(one.type for one in records)
    for kind, number in (("self-assessment.read.v1", 1), ("packet.viewed.v1", 2)):
        if read[kind] != number:
            yield f"{kind}: {read[kind]} instead of {number}"


# -- what must not be found --------------------------------------------------------------------------------------------


def planted(words: Iterable[str], texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Find words in texts; each text comes with its place, which is named instead of the words."""
    known = [*words]
    for place, text in texts:
        if any(word in text for word in known):
            yield f"{place}: holds a planted phrase"


def others_named(mails: Sequence[EmailMessage]) -> Iterator[str]:
    """Find mails that name somebody whom they are not addressed to."""
    for number, mail in enumerate(mails, start=1):
        for other in CAST:
            words = (other.name, other.email)
            if other.email not in mail["To"] and any(word in text for _, text in _mail_texts([mail]) for word in words):
                yield f"mail {number}: names {other.id}"


def _names() -> list[str]:
    return [word for one in CAST for word in (one.name, one.email)]


def _texts(records: Iterable[Written]) -> Iterator[tuple[str, str]]:
    for one in records:
        yield _place(one), f"{one.body.decode()} {one.headers} {one.key}"


def _log_lines(system: System) -> Iterator[tuple[str, str]]:
    for file in sorted(system.log_dir.glob("*.log")):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
            yield f"{file.name}:{number}", line


def _mail_texts(mails: Iterable[EmailMessage]) -> Iterator[tuple[str, str]]:
    """Each part of each mail and its headers, decoded."""
    for number, mail in enumerate(mails, start=1):
        yield f"mail {number}", "\n".join(f"{name}: {words}" for name, words in mail.items())
        for part in mail.walk():
            if not part.is_multipart():
                yield f"mail {number}", html.unescape(part.get_content())


# -- the PDF -----------------------------------------------------------------------------------------------------------


def wrong_pdfs(pdfs: Mapping[str, bytes]) -> Iterator[str]:
    """Find what the PDFs lack, and what they hold that was not shared."""
    for which, shown in (("manager", SHOWN_AT_FIRST), ("first", SHOWN_AT_FIRST), ("second", SHOWN)):
        text = pdf_text(pdfs[which])
        for finding in wrong_words(text, shown):
            yield f"the {which} PDF {finding}"
        if (DRAFT in text) != (which == "manager"):
            yield f"the {which} PDF says wrongly whether it is a draft"


def wrong_words(text: str, shown: Sequence[str]) -> Iterator[str]:
    """Find what the text of a packet lacks, and what it holds that was not shared; `shown` are the answers' words."""
    for words in (*shown, "Results", "Growth", _given(RATED), "Anna Author", "Max Manager"):
        if words not in text:
            yield f"lacks {words!r}"
    for words in {*PHRASES, "For HR only", "What went well?"} - set(shown):
        if words in text:
            yield "holds what was not shared"
    if _given(MANAGER["m-rating"]) in text:
        yield "holds the rating from before the calibration"


def _given(rating: Any) -> str:
    labels: Any = SCALE["labels"]
    return f"{rating} {labels[rating - 1]} on the scale"


def pdf_text(body: bytes) -> str:
    """Return a PDF's text with its line breaks as spaces."""
    pages = pypdf.PdfReader(io.BytesIO(body)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def differing_pdfs(pdfs: Mapping[str, bytes]) -> Iterator[str]:
    """Find downloads of the same packet that differ."""
    if pdfs["first"] != pdfs["again"]:
        yield "Anna's two downloads differ"
    if pdfs["first"] == pdfs["manager"]:
        yield "Max's preview and Anna's download are the same file"
    if pdfs["first"] == pdfs["second"]:
        yield "the corrected packet is the same file"


def same_again(snapshots: Sequence[str], epochs: Sequence[int]) -> Iterator[str]:
    """Find that the corrected packet has the hash, or not a later epoch than, the first."""
    if len({*snapshots}) != len(snapshots):
        yield "the hash is the same"
    if [*epochs] != sorted({*epochs}):
        yield f"the epochs are {epochs}"


# -- the services' rows ------------------------------------------------------------------------------------------------


def rows_left(system: System, table: str) -> Iterator[str]:
    """Find services whose table is not empty."""
    for service in SERVICES:
        ((number,),) = system.rows(service, f"select count(*) from {table}")  # noqa: S608 - our own words
        if number:
            yield f"{service}: {number} rows in {table}"


def dead_letters(system: System) -> Iterator[str]:
    """Find records and jobs that were given up."""
    yield from rows_left(system, "dead_letter")
    yield from rows_left(system, "outbox_dead")
    for service in SERVICES:
        for kind, reason in system.rows(service, "select kind, last_error from jobs where status = 'dead'"):
            yield f"{service}: job {kind} was given up: {reason}"


def disagreements(
    assessment: Mapping[str, Row], packets: Mapping[str, Row], signing: Mapping[str, Row]
) -> Iterator[str]:
    """Find packets, signatures and completions whose register says otherwise; the services' own lists, by review."""
    if not assessment or not assessment.keys() == packets.keys() == signing.keys():
        yield "not every service knows every review"
    for review_id in assessment.keys() & packets.keys() & signing.keys():
        row, packet = assessment[review_id], packets[review_id]
        yield from _about_release(row, row["registers"]["release"], packet)
        for holder, own in signing[review_id]["registers"].items():
            held = row["registers"][holder]["held"]
            if held != (own["state"] in SETTLED):
                yield f"register {holder} held: {held}, signing says {own['state']}"
            if held and own["snapshot_hash"] != packet["snapshot_hash"]:
                yield f"{holder} is over another snapshot"


def _about_release(row: Row, register: Row, packet: Row) -> Iterator[str]:
    if register["held"] != (packet["state"] == "released"):
        yield f"release register held: {register['held']}, packet {packet['state']}"
    elif register["held"]:
        if any(register[name] != packet[name] for name in ("epoch", "snapshot_hash")):
            yield "the release register and the packet are of another epoch or hash"
        if packet["manager_version"] != row["manager_version"]:
            yield "the packet is released with a version that is not the current one"


def _states(telling: Telling, service: str) -> dict[str, Row]:
    client = telling.story.gateway.clients[service]
    token = telling.system.issuer.token("demo", ("service",), scope="internal")
    found: dict[str, Row] = {}
    cursor = None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        answer = client.get("/internal/states", params=query, headers={"Authorization": f"Bearer {token}"})
        page = answer.raise_for_status().json()
        found |= {item["review_id"]: item for item in page["items"]}
        if not (cursor := page["next_cursor"]):
            return found


# -- mails and processes -----------------------------------------------------------------------------------------------


def wrong_mails(wanted: Mapping[tuple[str, str], int], mails: Sequence[EmailMessage]) -> Iterator[str]:
    """Find mails that are missing, too many, or repeated; wanted are numbers by template and person id."""
    addresses = {one.id: one.email for one in CAST}
    due = Counter({(addresses[who], SUBJECTS[which]): number for (which, who), number in wanted.items()})
    came = Counter((mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in mails)
    people = {one.email: one.id for one in CAST}
    for address, subject in sorted(due.keys() | came.keys()):
        if due[address, subject] != came[address, subject]:
            who = people.get(address, "somebody else")
            yield f"{who}, {subject!r}: {came[address, subject]} instead of {due[address, subject]}"
    for message_id, number in Counter(str(mail["Message-ID"]) for mail in mails).items():
        if number > 1:
            yield f"{message_id} came {number} times"


def faults(system: System) -> Iterator[str]:
    """Find processes that ended, and lines in which a service logged an error; one finding a log."""
    for which in system.ended():
        child = system.process(*which)
        yield f"{child.name} ended with {child.exit_code}"
    lines: dict[str, list[str]] = defaultdict(list)
    for place, line in _log_lines(system):
        if place.startswith(SERVICES) and ('"level": "error"' in line or line.startswith("Traceback")):
            lines[place.partition(":")[0]].append(place)
    for places in lines.values():
        yield f"{places[0]} and {len(places) - 1} more"


def _place(one: Written) -> str:
    return f"{one.topic}/{one.partition}@{one.offset}"
