"""What people ask for in the table of rules, by the name it has there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.clients import etag
from harness.people import HELEN, KAI, MIRA, OLGA
from harness.story import SELF_ANSWERS, expect
from journey.rule_book import Act
from journey.rule_givens import JUSTIFIED, OTHER_RATING, OTHER_WORDS, REASON

if TYPE_CHECKING:
    from harness.journey import Stage

REVIEW, PACKET, SESSION = "/v1/reviews/{review}", "/v1/packets/{review}", "/v1/calibrations/{session}"
SELF, MANAGER, SIGNATURES = f"{REVIEW}/self-assessment", f"{REVIEW}/manager-assessment", "/v1/signatures/{review}"
TRACKING = "/v1/packets/tracking/{cycle}"
AN_OLD_ONE = "sha256:old.1.1.1"


def as_shown(stage: Stage) -> str:
    """The packet's version as HR sees it, where there is something to see."""
    seen = stage.story.as_(HELEN).get(f"/v1/packets/{stage.story.review()}")
    return etag(seen) if seen.is_success else "sha256:none.0.0.0"


def saved(side: str) -> Any:
    """The version of a side of the assessment."""
    return lambda stage: stage.internal("assessment", stage.story.review())[f"{side}_version"]


def rating_version(stage: Stage) -> int:
    """The version of the rating on the board."""
    board = expect(stage.story.as_(KAI).get(f"/v1/calibrations/{stage.story.session_id}")).json()
    found: int = board["reviews"][0]["rating_version"]
    return found


def session_version(stage: Stage) -> int:
    """The version of the session."""
    return stage.story.session_version()


def standing_rating(stage: Stage) -> int:
    """The version of the rating that stands."""
    return stage.story.rating_version()


def selection_version(stage: Stage) -> str:
    """The version of the cycle's selection."""
    return etag(expect(stage.story.as_(HELEN).get(f"/v1/shared-questions/{stage.story.cycle_id}")))


def only_review(stage: Stage) -> dict[str, Any]:
    """A body that names the review."""
    return {"review_ids": [stage.story.review()]}


def many(action: str, **more: Any) -> Any:
    """The body of one command for many, of which there is one."""
    return lambda stage: {"action": action, "selection": only_review(stage), **more}


def agreed(stage: Stage) -> dict[str, Any]:
    """What a signer has seen."""
    packet = stage.internal("packets", stage.story.review())
    return {"statement_version": 1, "snapshot_hash": packet["snapshot_hash"] or "sha256:" + "0" * 64}


def new_session(stage: Stage) -> dict[str, Any]:
    """A session of Helen and Kai over the review."""
    return {"cycle_id": stage.story.cycle_id, "members": [HELEN.id, KAI.id], **only_review(stage)}


def new_session_with_a_stranger(stage: Stage) -> dict[str, Any]:
    """The same, with somebody whom no directory has."""
    return {**new_session(stage), "members": [KAI.id, "p-nobody"]}


def but(act: Act, how: str, **changes: Any) -> Act:
    """The same request in another way."""
    return replace(act, name=f"{act.name}, {how}", **changes)


def _post(name: str, path: str, body: Any = None, version: Any = None) -> Act:
    return Act(name=name, method="POST", path=path, body=body, version=version)


def _put(name: str, path: str, body: Any, version: Any = None) -> Act:
    return Act(name=name, method="PUT", path=path, body=body, version=version)


def _get(name: str, path: str) -> Act:
    return Act(name=name, method="GET", path=path)


# assessment
READ_SELF = _get("reads the self-assessment", SELF)
SAVE_SELF = _put("saves the self-assessment", SELF, {"answers": SELF_ANSWERS}, saved("self"))
SHARE = _post("shares it", f"{SELF}/share")
UNSHARE = _post("unshares it", f"{SELF}/unshare")
WAIVE = _post("waives the self stage", f"{SELF}/waive", REASON)
UNWAIVE = _post("withdraws the waiver", f"{SELF}/unwaive", REASON)
RESTORE = _post("restores a backup", f"{SELF}/backups/1/restore", version=saved("self"))
READ_TEXT = _get("reads the manager-assessment", MANAGER)
EDIT = _put("edits the manager-assessment", MANAGER, {"answers": OTHER_WORDS}, saved("manager"))
EDIT_RATING = _put("edits the rating in the form", MANAGER, {"answers": OTHER_RATING}, saved("manager"))
SUBMIT = _post("submits", f"{MANAGER}/submit")
REOPEN = _post("reopens the manager-assessment", f"{MANAGER}/reopen", REASON)
REOPEN_UNEXPLAINED = but(REOPEN, "without a reason", body={})
REASSIGN = _post("reassigns the manager", f"{REVIEW}/reassign", {"manager_id": MIRA.id, **REASON})
CANCEL_REVIEW = _post("cancels the review", f"{REVIEW}/cancel", REASON)
ADD = _post(
    "adds participants",
    "/v1/cycles/{cycle}/participants",
    {"participants": [{"subject_id": OLGA.id, "manager_id": MIRA.id}]},
)

# calibration
SELECT = _put(
    "selects questions",
    "/v1/shared-questions/{cycle}",
    {"question_ids": ["m-results"], "rating": True},
    selection_version,
)
CREATE = _post("makes a session", "/v1/calibrations", new_session)
CREATE_WITH_A_STRANGER = but(CREATE, "with a member whom no directory has", body=new_session_with_a_stranger)
SEAT = _put("says who calibrates", f"{SESSION}/members", {"members": [KAI.id]}, session_version)
START = _post("starts the session", f"{SESSION}/start")
CANCEL = _post("cancels the session", f"{SESSION}/cancel")
COMPLETE = _post("completes the session", f"{SESSION}/complete")
RECALIBRATE = _post("reopens the session", f"{SESSION}/reopen")
CONFIRM = _post("confirms the calibration", f"{SESSION}/confirm", only_review)
RATE = _put("rates in the session", f"{SESSION}/ratings/{{review}}", {**JUSTIFIED, "rating": 4}, rating_version)
BOARD = _get("reads the board", SESSION)
RATE_AS_BEFORE = but(RATE, "as it is rated", body=JUSTIFIED)
RATE_WITHOUT_A_WORD = but(RATE, "without a word", body={"rating": 4})
RATE_OFF_THE_SCALE = but(RATE, "off the scale", body={**JUSTIFIED, "rating": 6})
RATE_UNSEEN = but(RATE, "as seen before another's", version=0)
RATE_NAMING_NOTHING = but(RATE, "naming no version", version=None)
CHANGE_RATING = _put("changes the rating", f"{PACKET}/rating", {"rating": 5, **REASON}, standing_rating)
CHANGE_UNSEEN = but(CHANGE_RATING, "as seen before another's", version=0)
CHANGE_NAMING_NOTHING = but(CHANGE_RATING, "naming no version", version=None)
KEEP_RATING = but(CHANGE_RATING, "to the one that stands", body={"rating": 3, **REASON})
CHANGE_UNEXPLAINED = but(CHANGE_RATING, "without a reason", body={"rating": 5})
CHANGE_OFF_THE_SCALE = but(CHANGE_RATING, "off the scale", body={"rating": 9, **REASON})
OVERRIDE = _post("overrides the gate", f"{PACKET}/override-calibration", REASON)
OVERRIDE_UNEXPLAINED = but(OVERRIDE, "without a reason", body={})

# packets
READ = _get("reads the packet", PACKET)
PREVIEW = _get("previews it as the employee will see it", f"{PACKET}/preview")
PDF = _get("downloads the PDF", f"{PACKET}/pdf")
HISTORY = _get("reads its history", f"{PACKET}/history")
SEND = _post("sends it to the manager", f"{PACKET}/release-to-manager")
RELEASE = _post("releases it", f"{PACKET}/release", version=as_shown)
RELEASE_NAMING_NOTHING = but(RELEASE, "naming nothing", version=None)
RELEASE_UNSEEN = but(RELEASE, "as of before", version=AN_OLD_ONE)
RELEASE_LATER = but(RELEASE, "not before", body={"not_before": "2030-01-01T00:00:00Z"})
BYPASS = but(RELEASE, "with a reason", body=REASON)
BYPASS_NAMING_NOTHING = but(BYPASS, "naming nothing", version=None)
BYPASS_UNSEEN = but(BYPASS, "as of before", version=AN_OLD_ONE)
UNRELEASE = _post("unreleases it", f"{PACKET}/unrelease", REASON)
UNRELEASE_UNEXPLAINED = but(UNRELEASE, "without a reason", body={})
UNRELEASE_AND_REVOKE = but(UNRELEASE, "revoking signatures", body={**REASON, "revoke_signatures": True})
REVOKE_UNEXPLAINED = but(UNRELEASE_AND_REVOKE, "without a reason", body={"revoke_signatures": True})
TALK = _post("records the conversation", f"{PACKET}/conversation-held")
TAKE_OFF = _post("cancels the scheduled release", f"{PACKET}/cancel-scheduled")
SEND_MANY = _post("sends many to their managers", "/v1/packets/bulk", many("release-to-manager"))
RELEASE_MANY = _post("releases many", "/v1/packets/bulk", many("release", **REASON))
RELEASE_MANY_UNEXPLAINED = but(RELEASE_MANY, "without a reason", body=many("release"))
UNRELEASE_MANY = _post("unreleases many", "/v1/packets/bulk", many("unrelease", **REASON))
UNRELEASE_MANY_UNEXPLAINED = but(UNRELEASE_MANY, "without a reason", body=many("unrelease"))
COUNTS = _get("follows the counts", TRACKING)
COUNTS_CSV = _get("follows the counts as CSV", f"{TRACKING}?format=csv")
FOLLOWED = _get("follows person by person", f"{TRACKING}/people")
FOLLOWED_CSV = _get("follows person by person as CSV", f"{TRACKING}/people?format=csv")
LISTED = _get("lists packets", "/v1/packets?cycle_id={cycle}")

# signing
SIGN = _post("signs", f"{SIGNATURES}/sign", agreed)
REVOKE = _post("revokes all signatures", f"{SIGNATURES}/revoke", {"signer": "all", **REASON})
FINISH = _post("completes without signatures", f"{SIGNATURES}/complete", REASON)
