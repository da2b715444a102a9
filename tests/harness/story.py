"""The way of a review, step by step, through the public API: what journeys, the demo and `make up` are made of.

Each step is one person's act. Where the next act depends on another service having heard of it, the story waits: in
one process by settling, on the real stack by asking again until it is so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from harness.clients import etag
from harness.people import ANNA, CAST, HELEN, KAI, MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from harness.clients import Gateway, Session
    from harness.people import Person

SCALE = {"lowest": 1, "highest": 5, "labels": ["far below", "below", "meets", "above", "far above"]}
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"question_id": "s-highlights", "text": "What went well?", "audience": "self", "kind": "text", "required": True},
    {"question_id": "s-wishes", "text": "What do you wish for?", "audience": "self", "kind": "text"},
    {"question_id": "m-results", "text": "Results", "audience": "manager", "kind": "text", "required": True},
    {"question_id": "m-growth", "text": "Growth", "audience": "manager", "kind": "text"},
    {"question_id": "m-private", "text": "For HR only", "audience": "manager", "kind": "text"},
    {"question_id": "m-rating", "text": "Rating", "audience": "manager", "kind": "rating", "required": True}
    | {"scale": SCALE},
)
SELF_ANSWERS = {
    "s-highlights": "<p>The <strong>migration</strong> went well.</p>",
    "s-wishes": "<p>More time to teach.</p>",
}
MANAGER_ANSWERS = {
    "m-results": "<p>Delivered the migration two weeks early.</p>",
    "m-growth": "<p>Coaches two colleagues.</p>",
    "m-private": "<p>Considered for promotion.</p>",
    "m-rating": 4,
}
SHARED = ("m-results", "m-growth")


class StepFailed(AssertionError):
    """An act was answered otherwise than the story needs."""


class Wait(Protocol):
    """Waits until the condition holds; raises if it does not come about."""

    def __call__(self, until: Callable[[], bool]) -> None: ...


def expect(response: httpx.Response, *statuses: int) -> httpx.Response:
    """Return the response if it has one of the statuses (default: 200, 201, 202)."""
    if response.status_code not in (statuses or (200, 201, 202)):
        request = response.request
        raise StepFailed(f"{request.method} {request.url.path} answered {response.status_code}: {response.text[:800]}")
    return response


@dataclass(slots=True)
class Story:
    """One cycle and its reviews. `reviews` maps an employee's person id to the review id."""

    gateway: Gateway
    wait: Wait
    cycle_id: str = ""
    questionnaire_id: str = ""
    session_id: str = ""
    reviews: dict[str, str] = field(default_factory=dict)

    def as_(self, person: Person) -> Session:
        return self.gateway.as_(person)

    def review(self, employee: Person = ANNA) -> str:
        return self.reviews[employee.id]

    # -- before the review -------------------------------------------------------------------------------------------

    def import_people(self, people: Sequence[Person] = CAST) -> None:
        rows = [
            {"person_id": one.id, "name": one.name, "email": one.email, "manager_id": one.manager, "active": True}
            for one in people
        ]
        answer = expect(self.gateway.as_service("hris", "directory:write").post("/v1/people/import", {"people": rows}))
        if answer.json()["problems"]:
            raise StepFailed(f"people were refused: {answer.json()['problems']}")

    def create_questionnaire(self, questions: Sequence[Mapping[str, Any]] = QUESTIONS) -> None:
        body = {"title": "Yearly review", "questions": list(questions)}
        self.questionnaire_id = expect(self.as_(HELEN).post("/v1/questionnaires", body)).json()["questionnaire_id"]

    def create_cycle(self, **settings: Any) -> None:
        body = {
            "name": "2026",
            "zone": "Europe/Berlin",
            "self_deadline": "2030-03-31",
            "manager_deadline": "2030-04-30",
            "questionnaire_id": self.questionnaire_id,
            "calibration_required": True,
            **settings,
        }
        self.cycle_id = expect(self.as_(HELEN).post("/v1/cycles", body)).json()["cycle_id"]

    def add_participants(self, *employees: Person) -> None:
        body = {"participants": [{"subject_id": one.id, "manager_id": one.manager} for one in employees]}
        answer = expect(self.as_(HELEN).post(f"/v1/cycles/{self.cycle_id}/participants", body)).json()
        self.reviews |= {row["subject_id"]: row["review_id"] for row in answer["reviews"]}

    def start_cycle(self) -> None:
        expect(self.as_(HELEN).post(f"/v1/cycles/{self.cycle_id}/start"))
        # Everybody else hears of the reviews by events.
        self.wait(lambda: all(self._heard(review_id) for review_id in self.reviews.values()))
        self.wait(self._questionnaire_fetched)

    def begin(self, *employees: Person, people: Sequence[Person] = CAST, **settings: Any) -> None:
        """Import people, make a questionnaire and a cycle, and start it."""
        self.import_people(people)
        self.create_questionnaire()
        self.create_cycle(**settings)
        self.add_participants(*(employees or (ANNA,)))
        self.start_cycle()

    # -- both sides --------------------------------------------------------------------------------------------------

    def save_self(self, employee: Person = ANNA, answers: Mapping[str, Any] | None = None) -> httpx.Response:
        return self._save(self.as_(employee), self.review(employee), "self-assessment", answers or SELF_ANSWERS)

    def share_self(self, employee: Person = ANNA) -> None:
        expect(self.as_(employee).post(f"/v1/reviews/{self.review(employee)}/self-assessment/share"))

    def save_manager(
        self, employee: Person = ANNA, answers: Mapping[str, Any] | None = None, by: Person = MAX
    ) -> httpx.Response:
        return self._save(self.as_(by), self.review(employee), "manager-assessment", answers or MANAGER_ANSWERS)

    def submit(self, employee: Person = ANNA, by: Person = MAX) -> None:
        review_id = self.review(employee)
        expect(self.as_(by).post(f"/v1/reviews/{review_id}/manager-assessment/submit"))

    def written(self, employee: Person = ANNA) -> None:
        """Both sides written: the self-assessment shared, the manager-assessment submitted."""
        self.save_self(employee)
        self.share_self(employee)
        self.save_manager(employee)
        self.submit(employee)

    # -- calibration and the packet ----------------------------------------------------------------------------------

    def select_questions(self, question_ids: Sequence[str] = SHARED, *, rating: bool = True) -> None:
        path = f"/v1/shared-questions/{self.cycle_id}"
        current = etag(expect(self.as_(HELEN).get(path)))
        body = {"question_ids": list(question_ids), "rating": rating}
        expect(self.as_(HELEN).put(path, body, version=current))

    def calibrate(self, *employees: Person, rating: int = 3) -> None:
        """A session over the employees' reviews, each rated by Kai, completed by Helen."""
        chosen = [self.review(one) for one in (employees or (ANNA,))]
        helen, kai = self.as_(HELEN), self.as_(KAI)
        body = {"cycle_id": self.cycle_id, "review_ids": chosen, "members": [HELEN.id, KAI.id]}
        self.wait(lambda: all(self._calibratable(review_id) for review_id in chosen))
        self.session_id = expect(helen.post("/v1/calibrations", body)).json()["session_id"]
        path = f"/v1/calibrations/{self.session_id}"
        expect(helen.post(f"{path}/start"))
        board = expect(kai.get(path)).json()
        for row in board["reviews"]:
            value = {"rating": rating, "justification": "Compared with the level's guideline."}
            expect(kai.put(f"{path}/ratings/{row['review_id']}", value, version=row["rating_version"]))
        expect(helen.post(f"{path}/complete"))

    def press_rating(self, rating: int, *, reason: str, employee: Person = ANNA, by: Person = HELEN) -> httpx.Response:
        """Another rating after calibration, by somebody who has seen the one that stands."""
        body = {"rating": rating, "reason": reason}
        path = f"/v1/packets/{self.review(employee)}/rating"
        return self.as_(by).put(path, body, version=self.rating_version(employee))

    def rating_version(self, employee: Person = ANNA) -> int:
        """The version of the rating that stands, as HR is told it."""
        path = f"/v1/packets/{self.review(employee)}/actions"
        found: int = expect(self.as_(HELEN).get(path)).json()["rating_version"]
        return found

    def session_version(self, session_id: str = "") -> int:
        """The version of a calibration session, as HR is told it; of the story's own if none is named."""
        listed = expect(self.as_(HELEN).get(f"/v1/calibrations?cycle_id={self.cycle_id}")).json()["items"]
        versions: dict[str, int] = {one["session_id"]: one["row_version"] for one in listed}
        return versions[session_id or self.session_id]

    def confirm(self, employee: Person = ANNA) -> None:
        body = {"review_ids": [self.review(employee)]}
        expect(self.as_(HELEN).post(f"/v1/calibrations/{self.session_id}/confirm", body))

    def send_to_manager(self, employee: Person = ANNA) -> None:
        self.wait_for_packet("ready", employee)
        expect(self.as_(HELEN).post(f"/v1/packets/{self.review(employee)}/release-to-manager"))

    def preview_tag(self, employee: Person = ANNA, by: Person = MAX) -> str:
        """The version that a release must name, as the person sees the packet now."""
        path = f"/v1/packets/{self.review(employee)}"
        return etag(expect(self.as_(by).get(path)))

    def press_release(self, employee: Person = ANNA, by: Person = MAX, **body: Any) -> httpx.Response:
        """The release command alone; whether it comes about is told later."""
        tag = self.preview_tag(employee, by)
        return self.as_(by).post(f"/v1/packets/{self.review(employee)}/release", body, version=tag)

    def release(self, employee: Person = ANNA, by: Person = MAX) -> None:
        expect(self.press_release(employee, by), 202)
        self.wait_for_packet("released", employee)

    def press_unrelease(self, employee: Person = ANNA, *, revoke_signatures: bool = False) -> httpx.Response:
        body = {"reason": "A figure is wrong.", "revoke_signatures": revoke_signatures}
        return self.as_(HELEN).post(f"/v1/packets/{self.review(employee)}/unrelease", body)

    def unrelease(self, employee: Person = ANNA, *, revoke_signatures: bool = False) -> None:
        expect(self.press_unrelease(employee, revoke_signatures=revoke_signatures), 202)
        self.wait(lambda: self.packet(employee)["state"] in {"ready", "none", "with_manager"})

    def released(self, employee: Person = ANNA) -> None:
        """From both sides written to the packet released by the manager."""
        self.calibrate(employee)
        self.send_to_manager(employee)
        self.release(employee)

    # -- signing -----------------------------------------------------------------------------------------------------

    def press_sign(self, signer: Person, employee: Person = ANNA, comment: str | None = None) -> httpx.Response:
        path = f"/v1/signatures/{self.review(employee)}"
        seen = expect(self.as_(signer).get(f"{path}/statement")).json()
        body = {"statement_version": seen["statement_version"], "snapshot_hash": seen["covers"]["snapshot_hash"]}
        return self.as_(signer).post(f"{path}/sign", {**body, "comment": comment})

    def sign(self, signer: Person, employee: Person = ANNA, comment: str | None = None) -> None:
        role = "employee" if signer.id == employee.id else "manager"
        self.wait(lambda: self.signer(role, employee)["state"] == "open")
        expect(self.press_sign(signer, employee, comment), 202)
        self.wait(lambda: self.signer(role, employee)["state"] == "signed")

    def signatures(self, employee: Person = ANNA, by: Person = HELEN) -> dict[str, Any]:
        answer: dict[str, Any] = expect(self.as_(by).get(f"/v1/signatures/{self.review(employee)}")).json()
        return answer

    def signer(self, role: str, employee: Person = ANNA) -> dict[str, Any]:
        return next(one for one in self.signatures(employee)["signers"] if one["role"] == role)

    # -- looking -----------------------------------------------------------------------------------------------------

    def packet(self, employee: Person = ANNA) -> dict[str, Any]:
        """The packet's row as HR's list shows it."""
        path = f"/v1/packets?person_id={employee.id}&cycle_id={self.cycle_id}"
        items = expect(self.as_(HELEN).get(path)).json()["items"]
        return items[0] if items else {"state": "unknown"}

    def wait_for_packet(self, state: str, employee: Person = ANNA) -> None:
        self.wait(lambda: self.packet(employee)["state"] == state)

    def pdf(self, reader: Person, employee: Person = ANNA) -> bytes:
        path = f"/v1/packets/{self.review(employee)}/pdf"
        answers: list[httpx.Response] = []

        def fetched() -> bool:
            answers.append(expect(self.as_(reader).get(path), 200, 202))
            return answers[-1].status_code == 200

        self.wait(fetched)
        return answers[-1].content

    def _save(self, who: Session, review_id: str, side: str, answers: Mapping[str, Any]) -> httpx.Response:
        path = f"/v1/reviews/{review_id}/{side}"
        return expect(who.put(path, {"answers": dict(answers)}, version=etag(expect(who.get(path)))))

    def _heard(self, review_id: str) -> bool:
        helen = self.as_(HELEN)
        known = helen.get(f"/v1/packets/{review_id}/actions").status_code == 200
        return known and helen.get(f"/v1/signatures/{review_id}").status_code == 200

    def _questionnaire_fetched(self) -> bool:
        answer = self.as_(HELEN).get(f"/v1/shared-questions/{self.cycle_id}")
        return answer.status_code == 200 and answer.json()["questions"] is not None

    def _calibratable(self, review_id: str) -> bool:
        """The submitted version has come to packets: nothing but its calibration keeps it from being sent."""
        listed = expect(self.as_(HELEN).get(f"/v1/packets/{review_id}/actions")).json()["actions"]
        unmet = next(one["unmet"] for one in listed if one["name"] == "release-to-manager")
        return {one["code"] for one in unmet} <= {"not-calibrated", "no-shared-questions"}
