"""Who may see what of a packet, and which questions and rating it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packets.domain.facts import PacketDownloaded, PacketViewed
from packets.domain.packet import CalibrationState, Packet, PacketState, Part, RatingShown, is_viewed, pinned
from packets.domain.people import only, unmet_part
from packets.domain.readiness import unmet_ready
from packets.domain.refusals import NotFound, NotReady, Refusal, SelfDealing, UnknownPerson, refuse
from packets.domain.selection import Audience, Question, Selection, shown_question_ids

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.ids import PersonId, QuestionId
    from packets.domain.people import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of the manager-assessment is in the packet: these answers, in this order, and this rating."""

    question_ids: tuple[QuestionId, ...]
    rating_shown: RatingShown


def employee_sees(packet: Packet) -> bool:
    """Whether the employee may read the packet: released, and not about to be taken back."""
    return packet.state is PacketState.RELEASED and packet.hidden_by is None


def is_draft(packet: Packet) -> bool:
    """Whether whoever sees the packet sees a preview of it, which must say so where it is printed."""
    return not employee_sees(packet)


def manager_sees(packet: Packet) -> bool:
    """Whether the manager of record may read the packet: once sent, until it is taken back; and once released."""
    return packet.hidden_by is None and (
        packet.state in {PacketState.RELEASED, PacketState.WITH_MANAGER}
        or (packet.state is PacketState.RELEASING and packet.was_sent)
    )


def unmet_read(packet: Packet, standing: Standing) -> list[Refusal]:
    """Why the person cannot read the packet, its PDF or its preview.

    HR reads it once there is something to preview. Whom the packet does not concern, or not yet, learns nothing: 404.
    """
    if Part.EMPLOYEE in standing.parts:
        return [] if employee_sees(packet) else [NotFound()]
    if Part.MANAGER in standing.parts and manager_sees(packet):
        return []
    if Part.HR_ADMIN in standing.parts:
        return [] if packet.snapshot is not None else unmet_ready(packet) or [NotReady()]
    if Part.HR_ASSISTANT in standing.parts and not standing.barred and Part.MANAGER not in standing.parts:
        return [only(Part.EMPLOYEE, Part.MANAGER, Part.HR_ADMIN)]
    if Part.HR_ADMIN in standing.barred and standing.barrier == UnknownPerson.code:
        return [UnknownPerson()]
    return [NotFound()]


def unmet_see_state(packet: Packet, standing: Standing) -> list[Refusal]:
    """Why the person cannot see how far the packet is (never what is in it): a manager may, for the own team."""
    if Part.EMPLOYEE in standing.parts:
        return [] if employee_sees(packet) else [NotFound()]
    seeing = (standing.parts | standing.barred) & {Part.MANAGER, Part.HR_ADMIN, Part.HR_ASSISTANT}
    return [] if seeing else [NotFound()]


def unmet_history(standing: Standing) -> list[Refusal]:
    """Why the person cannot read what became of the packet, and what HR typed: HR does, but for a superior's."""
    who = unmet_part(standing, Part.HR_ADMIN)
    return [NotFound()] if any(isinstance(each, SelfDealing) for each in who) else who


def counts_shown(standing: Standing) -> bool:
    """Whether the person is told how often the row was written: HR is; others would learn of what is kept from them."""
    return bool((standing.parts | standing.barred) & {Part.HR_ADMIN, Part.HR_ASSISTANT})


def read_as(packet: Packet, standing: Standing) -> Part:
    """In which part the person reads the packet. Refuses as `unmet_read`."""
    refuse(unmet_read(packet, standing))
    if Part.EMPLOYEE in standing.parts:
        return Part.EMPLOYEE
    return Part.MANAGER if Part.MANAGER in standing.parts and manager_sees(packet) else Part.HR_ADMIN


def read(packet: Packet, standing: Standing) -> tuple[Packet, tuple[Record, ...]]:
    """The packet after somebody read it: the employee's first read of an epoch is noted. Refuses as `unmet_read`."""
    part = read_as(packet, standing)
    if part is not Part.EMPLOYEE or is_viewed(packet):
        return packet, ()
    fact = PacketViewed(review_id=packet.review_id, epoch=packet.epoch, snapshot_hash=pinned(packet).hash)
    return replace(packet, viewed_epoch=packet.epoch), (fact,)


def download(packet: Packet, standing: Standing) -> tuple[Packet, tuple[Record, ...]]:
    """The packet after the person has downloaded it, which is also a read. Refuses as `unmet_read`."""
    viewed, facts = read(packet, standing)
    part = read_as(packet, standing)
    fact = PacketDownloaded(
        review_id=packet.review_id,
        epoch=packet.epoch,
        snapshot_hash=pinned(packet).hash,
        reader_id=standing.person_id,
        reader_part=part,
    )
    downloaded = replace(viewed, downloaded_epoch=packet.epoch) if part is Part.EMPLOYEE else viewed
    return downloaded, (*facts, fact)


def chosen(packet: Packet, selection: Selection, questions: tuple[Question, ...]) -> Choice:
    """What the packet's snapshot shows of the manager-assessment. `selection` is the one that the snapshot names.

    `questions` are those that the manager answered. Never a question of the self-assessment, never one that HR did not
    select, never a rating from before calibration.
    """
    ref = pinned(packet).ref
    if ref.selection_version != selection.version:
        message = f"selection {selection.version} is not the one of the snapshot, {ref.selection_version}"
        raise AssertionError(message)
    required = packet.calibration is not CalibrationState.NOT_REQUIRED
    shown = set(shown_question_ids(selection, calibration_required=required, asked=questions))
    ids = tuple(each.id for each in questions if each.audience is Audience.MANAGER and each.id in shown)
    return Choice(question_ids=ids, rating_shown=ref.rating_shown)


def allowed_for_mail(packet: Packet, person_id: PersonId, *, at: int) -> bool:
    """Whether a mail about the packet of epoch `at` still points to what its reader may open."""
    if packet.epoch != at:
        return False
    if person_id == packet.subject_id:
        return employee_sees(packet)
    return person_id == packet.manager_id and manager_sees(packet)
