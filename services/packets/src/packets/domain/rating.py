"""The calibrated rating after its session, and HR's override of the calibration gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packets.domain.facts import CalibrationOverridden, CalibrationRatingChanged
from packets.domain.locks import unmet_unlocked
from packets.domain.packet import CalibrationState, Override, Packet, Part, calibration_is_ok, is_overridden
from packets.domain.people import unmet_part
from packets.domain.readiness import recompute, unmet_open
from packets.domain.refusals import (
    ManagerAssessmentNotSubmitted,
    NotCalibrated,
    NothingToOverride,
    RatingOffScale,
    ReasonMissing,
    Refusal,
    StaleVersion,
    VersionMissing,
    refuse,
)

if TYPE_CHECKING:
    from packets.domain.facts import Record
    from packets.domain.ids import Rating
    from packets.domain.people import Standing
    from packets.domain.readiness import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The whole numbers from `lowest` to `highest`, both included: what reviews are rated on."""

    lowest: int
    highest: int


def unmet_scale(value: int, scale: Scale) -> list[Refusal]:
    """Why the value cannot be a rating on this scale."""
    if scale.lowest <= value <= scale.highest:
        return []
    return [RatingOffScale(lowest=scale.lowest, highest=scale.highest)]


def unmet_version(packet: Packet, expected_version: int | None) -> list[Refusal]:
    """Why a rating that was made on top of `expected_version` does not follow the one that stands."""
    if expected_version is None:
        return [VersionMissing()]
    return [] if expected_version == packet.rating_version else [StaleVersion(current_version=packet.rating_version)]


def unmet_change_rating(
    packet: Packet, standing: Standing, *, expected_version: int | None, has_reason: bool
) -> list[Refusal]:
    """Why the person cannot change the rating of a calibrated review; `expected_version` is the rating's."""
    who = unmet_part(standing, Part.HR_ADMIN, Part.CALIBRATOR)
    if who:
        return who
    reasons = [*unmet_open(packet), *unmet_unlocked(packet)]
    if not packet.submitted:
        reasons.append(ManagerAssessmentNotSubmitted())
    if packet.calibration is not CalibrationState.CALIBRATED:
        reasons.append(NotCalibrated())
    reasons += unmet_version(packet, expected_version)
    return reasons if has_reason else [*reasons, ReasonMissing()]


def change_rating(
    packet: Packet,
    standing: Standing,
    *,
    rating: Rating,
    expected_version: int | None,
    has_reason: bool,
    sources: Sources,
) -> tuple[Packet, tuple[Record, ...]]:
    """Another calibrated rating: the review stays calibrated, the packet is rebuilt. Refuses as `unmet_change_rating`.

    The rating that stands changes nothing.
    """
    refuse(unmet_change_rating(packet, standing, expected_version=expected_version, has_reason=has_reason))
    part = Part.HR_ADMIN if Part.HR_ADMIN in standing.parts else Part.CALIBRATOR
    return set_rating(packet, standing, rating=rating, part=part, in_session=False, sources=sources)


def set_rating(
    packet: Packet, standing: Standing, *, rating: Rating, part: Part, in_session: bool, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """The packet with this rating, one rating version on; who gives the one that stands says that it is still right.

    Decides nothing else.
    """
    if rating == packet.rating:
        return judged(packet), ()
    fact = CalibrationRatingChanged(
        review_id=packet.review_id,
        session_id=packet.session_id if in_session else None,
        manager_version=packet.manager_version,
        by=standing.person_id,
        by_part=part,
    )
    rated = replace(packet, rating=rating, rating_version=packet.rating_version + 1)
    settled, facts = recompute(judged(rated), sources)
    return settled, (fact, *facts)


def is_outdated(packet: Packet) -> bool:
    """Whether the manager-assessment says something else than when it was rated."""
    return packet.rated_hash not in {None, packet.content_hash}


def judged(packet: Packet) -> Packet:
    """The packet whose rating is right for the manager-assessment as it is."""
    return replace(packet, rated_version=packet.manager_version, rated_hash=packet.content_hash)


def unmet_override(packet: Packet, standing: Standing, *, has_reason: bool) -> list[Refusal]:
    """Why the person cannot open the calibration gate for this review. An override that stands may be repeated."""
    who = unmet_part(standing, Part.HR_ADMIN)
    if who:
        return who
    reasons = [*unmet_open(packet), *unmet_unlocked(packet)]
    if not packet.submitted:
        reasons.append(ManagerAssessmentNotSubmitted())
    if calibration_is_ok(packet) and not is_overridden(packet):
        reasons.append(NothingToOverride())
    return reasons if has_reason else [*reasons, ReasonMissing()]


def override_calibration(
    packet: Packet, standing: Standing, *, has_reason: bool, sources: Sources
) -> tuple[Packet, tuple[Record, ...]]:
    """The gate open for the versions as they are; void once one of them changes. Refuses as `unmet_override`."""
    refuse(unmet_override(packet, standing, has_reason=has_reason))
    if is_overridden(packet):
        return packet, ()
    override = Override(
        by=standing.person_id, manager_version=packet.manager_version, rating_version=packet.rating_version
    )
    fact = CalibrationOverridden(
        review_id=packet.review_id, manager_version=packet.manager_version, by=standing.person_id
    )
    settled, facts = recompute(replace(packet, override=override), sources)
    return settled, (fact, *facts)
