"""The people, the states and the requests of the authorisation matrix.

A scene is one cycle, told as far as a state. Beside it stands another cycle, in which the same people stand otherwise:
who manages here is nobody there, and HR is reviewed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.clients import etag
from harness.people import AMY, ANNA, CAST, DORA, HELEN, KAI, MAX, MIRA, OLGA, Person
from harness.story import MANAGER_ANSWERS, QUESTIONS, SELF_ANSWERS, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from harness.journey import Stage
    from harness.operations import Operation
    from harness.story import Story

HANA = Person(id="p-hana", name="Hana Human", email="hana@company.example", manager=ANNA.id, roles=("hr_admin",))
GRETA = Person(id="p-greta", name="Greta Human", email="greta@company.example", manager=DORA.id, roles=("hr_admin",))
UMA = Person(id="p-uma", name="Uma Unknown", email="uma@company.example", roles=("hr_admin",))
PEOPLE = (*CAST, HANA, GRETA)
SERVICE_SCOPES = {"S": ("hris", "directory:write"), "I": ("packets", "internal")}
BY_COLUMN = {
    "E": ANNA,
    "M": MAX,
    "F": MIRA,
    "L": DORA,
    "K": KAI,
    "A": AMY,
    "H": GRETA,
    "C": HELEN,
    "X": HANA,
    "U": UMA,
    "O": OLGA,
}
COLUMNS = (*BY_COLUMN, *SERVICE_SCOPES)
# A person, a service by its column, or nobody.
Sender = Person | str | None
REASON = {"reason": "Told by the matrix only."}
RATED = {"rating": 2, "justification": "Weighed against the matrix."}
COMMENT = "<p>Signed with a heavy heart.</p>"
# What a person wrote, as it would be found in an answer that tells it.
TEXTS = frozenset({
    "migration", "More time to teach", "Coaches two colleagues", "Considered for promotion", "What went well?",
    "For HR only", "Told by the matrix", "Weighed against the matrix", "heavy heart",
})  # fmt: skip
# The steps of one review in their order; a state is reached by all steps up to its own.
STEPS = ("draft", "shared", "submitted", "pending", "in_session", "ready", "with_manager", "released", "signed")
STATES = ("planned", "waived", "scheduled", *STEPS)


@dataclass(slots=True)
class Target:
    """What a request is about: one review, its cycle, session and so on, in a stage, and who stands how to it.

    `ids` are the parts of paths by their names; `versions` what `If-Match` names, by a word of the path. `people` are
    those whose requests are looked at, each in a column. `spoilt`: a request changed what none should have.
    """

    title: str
    stage: Stage
    ids: dict[str, str]
    people: tuple[tuple[str, Person], ...]
    versions: dict[str, Any]
    spoilt: bool = False

    @property
    def texts(self) -> frozenset[str]:
        """What people wrote here."""
        return TEXTS

    @property
    def names(self) -> frozenset[str]:
        """What else nobody is told who may not know: names, addresses and ids."""
        told = {word for one in (*PEOPLE, UMA) for word in (one.id, one.name, one.email)}
        return frozenset(told | self.reviews | {one for name, one in self.ids.items() if name.endswith("_id")})

    @property
    def reviews(self) -> frozenset[str]:
        """The ids of all reviews of the cycle."""
        return frozenset(self.stage.story.reviews.values())

    def named(self, operation: Operation) -> str:
        """Return the id by which a list tells that what this is about stands in it."""
        kind = {
            "people": "person_id",
            "cycles": "cycle_id",
            "questionnaires": "questionnaire_id",
            "calibrations": "session_id",
            "packets/bulk": "operation_id",
            "reviews/bulk": "operation_id",
        }
        path = operation.path.removeprefix("/v1/")
        if path.endswith("/participants"):
            return self.ids["review_id"]
        return self.ids[kind.get(path) or kind.get(path.split("/")[0], "review_id")]

    def send(self, operation: Operation, sender: Sender, *, exists: bool = True) -> httpx.Response:
        """Send the operation as somebody, about this, or else about something that does not exist."""
        ids = self.ids if exists else {name: _nothing(name, one) for name, one in self.ids.items()}
        path = operation.path
        for name, one in ids.items():
            path = path.replace(f"{{{name}}}", one)
        options: dict[str, Any] = {"headers": {"Authorization": self.token(sender)}}
        if operation.is_versioned:
            options["headers"]["If-Match"] = self.version(operation)
        if operation.body is not None:
            options["json"] = self.body(operation)
        if (query := QUERIES.get(operation.name)) is not None:
            options["params"] = {"limit": "200", **{name: self.ids[name] for name in query}}
        return operation.send(self.stage.story.gateway, path, **options)

    def token(self, sender: Sender) -> str | None:
        """Return how somebody says who they are."""
        gateway = self.stage.story.gateway
        if isinstance(sender, Person):
            return f"Bearer {gateway.as_(sender).token}"
        return None if sender is None else f"Bearer {gateway.as_service(*SERVICE_SCOPES[sender]).token}"

    def version(self, operation: Operation) -> str:
        """Return what `If-Match` names for an operation that takes a version."""
        words = reversed(operation.path.split("/"))
        return f'"{self.versions[next(word for word in words if word in self.versions)]}"'

    def body(self, operation: Operation) -> Any:
        """Return what an operation that takes a body accepts."""
        chosen = BODIES.get(operation.name)
        return chosen(self) if chosen else operation.sample()


def _nothing(name: str, one: str) -> str:
    """Return an id of the same form of something that does not exist."""
    if name == "person_id":
        return "p-nobody-at-all"
    return str(uuid.uuid4()) if name.endswith("_id") else one


# What a request brings that its schema cannot say.
BODIES: dict[str, Callable[[Target], Any]] = {
    "POST /v1/people/import": lambda _: {"people": [_row(OLGA)]},
    "POST /v1/questionnaires": lambda _: {"title": "Another", "questions": list(QUESTIONS)},
    "PUT /v1/questionnaires/{questionnaire_id}": lambda _: {"title": "Other", "questions": list(QUESTIONS)},
    "POST /v1/cycles": lambda at: {
        "name": "2027",
        "zone": "Europe/Berlin",
        "self_deadline": "2030-03-31",
        "manager_deadline": "2030-04-30",
        "questionnaire_id": at.ids["questionnaire_id"],
    },
    "PATCH /v1/cycles/{cycle_id}": lambda _: {"name": "2028"},
    "POST /v1/cycles/{cycle_id}/participants": lambda _: {"participants": [{"subject_id": OLGA.id}]},
    "POST /v1/cycles/{cycle_id}/participants/import": lambda _: {"participants": [{"subject_id": OLGA.id}]},
    "POST /v1/cycles/{cycle_id}/participants/remove": lambda _: {"subject_ids": [ANNA.id]},
    "POST /v1/cycles/{cycle_id}/close": lambda _: REASON,
    "POST /v1/reviews/bulk": lambda at: {"action": "cancel", "selection": {"review_ids": [at.ids["review_id"]]}},
    "POST /v1/reviews/{review_id}/cancel": lambda _: REASON,
    "POST /v1/reviews/{review_id}/reassign": lambda _: {"manager_id": DORA.id, **REASON},
    "PUT /v1/reviews/{review_id}/self-assessment": lambda _: {"answers": SELF_ANSWERS},
    "PUT /v1/reviews/{review_id}/self-assessment/backup": lambda _: {"answers": SELF_ANSWERS},
    "POST /v1/reviews/{review_id}/self-assessment/waive": lambda _: REASON,
    "POST /v1/reviews/{review_id}/self-assessment/unwaive": lambda _: REASON,
    "PUT /v1/reviews/{review_id}/manager-assessment": lambda _: {"answers": MANAGER_ANSWERS},
    "PUT /v1/reviews/{review_id}/manager-assessment/backup": lambda _: {"answers": MANAGER_ANSWERS},
    "POST /v1/reviews/{review_id}/manager-assessment/reopen": lambda _: REASON,
    "PUT /v1/shared-questions/{cycle_id}": lambda _: {"question_ids": ["m-results"], "rating": False},
    "POST /v1/calibrations": lambda at: {
        "cycle_id": at.ids["cycle_id"],
        "review_ids": [at.ids["review_id"]],
        "members": [HELEN.id, KAI.id],
    },
    "PUT /v1/calibrations/{session_id}/members": lambda _: {"members": [KAI.id]},
    "PUT /v1/calibrations/{session_id}/ratings/{review_id}": lambda _: {**RATED, "rating": 4},
    "POST /v1/calibrations/{session_id}/confirm": lambda at: {"review_ids": [at.ids["review_id"]]},
    "PUT /v1/packets/{review_id}/rating": lambda _: {"rating": 5, **REASON},
    "POST /v1/packets/{review_id}/override-calibration": lambda _: REASON,
    "POST /v1/packets/{review_id}/release": lambda _: REASON,
    "POST /v1/packets/{review_id}/unrelease": lambda _: REASON,
    "POST /v1/packets/bulk": lambda at: {"action": "release", "selection": {"review_ids": [at.ids["review_id"]]}},
    "POST /v1/packets/operations/{operation_id}/apply": lambda _: {},
    "POST /v1/signatures/{review_id}/sign": lambda at: {
        "statement_version": 1,
        "snapshot_hash": at.versions["snapshot_hash"],
        "comment": COMMENT,
    },
    "POST /v1/signatures/{review_id}/complete": lambda _: REASON,
    "POST /v1/signatures/{review_id}/revoke": lambda _: {"signer": "all", **REASON},
}
# Lists are asked for what the target is about, so that no page ends before it.
QUERIES: dict[str, tuple[str, ...]] = {
    "GET /v1/people": (),
    "GET /v1/questionnaires": (),
    "GET /v1/cycles": (),
    "GET /v1/reviews": ("cycle_id",),
    "GET /v1/reviews/bulk": ("cycle_id",),
    "GET /v1/packets": ("cycle_id",),
    "GET /v1/packets/bulk": ("cycle_id",),
    "GET /v1/calibrations": ("cycle_id",),
    "GET /v1/packets/tracking/{cycle_id}/people": (),
    "GET /v1/signatures": ("cycle_id",),
    "GET /v1/deliveries": ("review_id",),
}


def _row(person: Person) -> dict[str, Any]:
    return {"person_id": person.id, "name": person.name, "email": person.email, "manager_id": person.manager}


def scene(stage: Stage, state: str) -> Target:
    """Tell Anna's review as far as the state. Its manager of record is Max; at first it was Mira."""
    story = stage.story
    story.import_people(PEOPLE)
    story.create_questionnaire()
    story.create_cycle()
    story.add_participants(replace(ANNA, manager=MIRA.id))
    stage.settle()
    if state != "planned":
        story.start_cycle()
        reassigned = {"manager_id": MAX.id, **REASON}
        expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/reassign", reassigned))
    if state == "waived":
        expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/self-assessment/waive", REASON))
    stage.settle()
    last = {"scheduled": "with_manager"}.get(state, state)
    for step in STEPS[: STEPS.index(last) + 1] if last in STEPS else ():
        _TOLD[step](story)
        stage.settle()
    target = _target(stage, state, ANNA, HELEN, tuple(BY_COLUMN.items()))
    if state == "scheduled":
        target.ids["operation_id"] = _scheduled(story, target.versions["packets"])
        stage.settle()
    if state == "draft":
        target.ids["operation_id"] = _planned(story, "reviews", "cancel")
        stage.settle()
    return target


def _scheduled(story: Story, tag: Any) -> str:
    """Have the release wait for its instant, and HR plan the release of all; return the plan's id."""
    release = {"not_before": "2030-01-01T00:00:00Z"}
    expect(story.as_(MAX).post(f"/v1/packets/{story.review()}/release", release, version=tag), 202)
    return _planned(story, "packets", "release")


def _planned(story: Story, what: str, action: str) -> str:
    plan = {"action": action, "selection": {"filter": {"cycle_id": story.cycle_id}}, "dry_run": True}
    return str(expect(story.as_(HELEN).post(f"/v1/{what}/bulk", plan), 202).json()["operation_id"])


def _draft(story: Story, employee: Person = ANNA, manager: Person = MAX) -> None:
    review = f"/v1/reviews/{story.review(employee)}"
    expect(story.as_(employee).put(f"{review}/self-assessment/backup", {"answers": SELF_ANSWERS}))
    expect(story.as_(manager).put(f"{review}/manager-assessment/backup", {"answers": MANAGER_ANSWERS}))
    story.save_self(employee)
    story.save_manager(employee, by=manager)


def _submitted(story: Story) -> None:
    story.select_questions()
    story.submit()


def _pending(story: Story, hr: Person = HELEN, calibrator: Person = KAI) -> None:
    members = [hr.id, calibrator.id]
    body = {"cycle_id": story.cycle_id, "review_ids": sorted(story.reviews.values()), "members": members}
    story.session_id = expect(story.as_(hr).post("/v1/calibrations", body)).json()["session_id"]


def _in_session(story: Story, hr: Person = HELEN, calibrator: Person = KAI) -> None:
    path = f"/v1/calibrations/{story.session_id}"
    expect(story.as_(hr).post(f"{path}/start"))
    for review_id in story.reviews.values():
        expect(story.as_(calibrator).put(f"{path}/ratings/{review_id}", RATED, version=0))


def _ready(story: Story, hr: Person = HELEN) -> None:
    expect(story.as_(hr).post(f"/v1/calibrations/{story.session_id}/complete"))


def _released(story: Story) -> None:
    story.release()
    # Asked for once, so that it is drawn and there to be downloaded.
    expect(story.as_(MAX).get(f"/v1/packets/{story.review()}/pdf"))


_TOLD: dict[str, Callable[[Story], None]] = {
    "draft": _draft,
    "shared": lambda story: story.share_self(),
    "submitted": _submitted,
    "pending": _pending,
    "in_session": _in_session,
    "ready": _ready,
    "with_manager": lambda story: story.send_to_manager(),
    "released": _released,
    "signed": lambda story: story.sign(ANNA, comment=COMMENT),
}


# The other cycle: each reviewee with the manager of record there, and who stands how to that review: in the columns of
# the rows, and in N whoever has a role of HR and is reviewed. Dora and Greta calibrate all.
ELSEWHERE: tuple[tuple[Person, Person, str], ...] = (
    (ANNA, MIRA, "E anna, M mira, O max kai, K dora, A amy, H helen, C greta, X hana"),
    (HELEN, DORA, "N helen, A amy, O max"),
    (AMY, HELEN, "N amy, O max"),
    (MAX, DORA, "E max, O anna, X hana hugo"),
    (KAI, DORA, "E kai, O max"),
)
# And to the one session over all of them.
ELSEWHERE_IN_SESSION = "O anna mira max kai, K dora, A amy, C greta, X hana, N helen"


def elsewhere(stage: Stage) -> tuple[Target, ...]:
    """Tell the other cycle, in which every packet is released; return a target for each review and the session."""
    story, greta = stage.story, stage.story.as_(GRETA)
    story.import_people(PEOPLE)
    story.create_questionnaire()
    story.create_cycle()
    story.add_participants(*(replace(employee, manager=manager.id) for employee, manager, _ in ELSEWHERE))
    stage.settle()
    expect(greta.post(f"/v1/cycles/{story.cycle_id}/start"))
    stage.settle()
    story.select_questions()
    for employee, manager, _ in ELSEWHERE:
        _draft(story, employee, manager)
        story.share_self(employee)
        story.submit(employee, by=manager)
    stage.settle()
    _pending(story, GRETA, DORA)
    _in_session(story, GRETA, DORA)
    _ready(story, GRETA)
    stage.settle()
    for employee, _, _ in ELSEWHERE:
        expect(greta.post(f"/v1/packets/{story.review(employee)}/release-to-manager"))
    stage.settle()
    for employee, manager, _ in ELSEWHERE:
        expect(story.press_release(employee, manager), 202)
    stage.settle()
    reviews = [_target(stage, f"{one.id}'s review", one, GRETA, _standing(who)) for one, _, who in ELSEWHERE]
    return *reviews, _target(stage, "the session", ANNA, GRETA, _standing(ELSEWHERE_IN_SESSION))


def _standing(told: str) -> tuple[tuple[str, Person], ...]:
    known = {one.id: one for one in (*PEOPLE, UMA)}
    groups = (group.split() for group in told.split(","))
    return tuple((column, known[f"p-{name}"]) for column, *names in groups for name in names)


def _target(stage: Stage, title: str, employee: Person, hr: Person, people: Iterable[tuple[str, Person]]) -> Target:
    story = stage.story
    ids = {
        "review_id": story.review(employee),
        "cycle_id": story.cycle_id,
        "questionnaire_id": story.questionnaire_id,
        "session_id": story.session_id or str(uuid.uuid4()),
        "person_id": employee.id,
        "operation_id": str(uuid.uuid4()),
        "number": "1",
        "version": "1",
    }
    cycle = expect(story.as_(hr).get(f"/v1/cycles/{story.cycle_id}"))
    sessions = expect(story.as_(hr).get(f"/v1/calibrations?cycle_id={story.cycle_id}")).json()["items"]
    seen = {one["session_id"]: one["row_version"] for one in sessions}
    versions = {"questionnaires": 1, "cycles": etag(cycle), "members": seen.get(story.session_id, 1)}
    target = Target(title=title, stage=stage, ids=ids, people=tuple(people), versions=versions)
    if story.as_(hr).get(f"/v1/packets/{story.review(employee)}/actions").is_success:
        target.versions |= _versions(stage, employee, hr)
    return target


def _versions(stage: Stage, employee: Person, hr: Person) -> dict[str, Any]:
    story, review_id = stage.story, stage.story.review(employee)
    row, packet = stage.internal("assessment", review_id), stage.internal("packets", review_id)
    seen = story.as_(hr).get(f"/v1/packets/{review_id}")
    board = story.as_(hr).get(f"/v1/calibrations/{story.session_id or uuid.uuid4()}")
    can = expect(story.as_(hr).get(f"/v1/packets/{review_id}/actions")).json()
    rated = {one["review_id"]: one["rating_version"] for one in board.json().get("reviews", ())}
    return {
        "self-assessment": row["self_version"],
        "manager-assessment": row["manager_version"],
        "shared-questions": etag(expect(story.as_(hr).get(f"/v1/shared-questions/{story.cycle_id}"))),
        "rating": can["rating_version"],
        "ratings": rated.get(review_id, 0),
        "packets": etag(seen) if seen.is_success else "none",
        "snapshot_hash": packet["snapshot_hash"] or "sha256:" + "0" * 64,
    }
