"""What the demo tells: one review's whole way, and at each turn what the others may see at that moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clients import etag
from harness.eventually import Polling
from harness.people import AMY, ANNA, HELEN, MAX, OLGA
from harness.story import QUESTIONS, SHARED, StepFailed, Story, expect

if TYPE_CHECKING:
    import httpx

    from harness.narration import Narrator
    from harness.people import Person
    from harness.system import System

# Every text that anybody types holds words that nobody else would use: they must turn up nowhere but where they belong.
DRAFT = {"s-highlights": "<p>First thoughts about a cobalt heron.</p>"}
AUTOSAVED = {"s-highlights": "<p>Half a sentence about a saffron otter</p>"}
SELF = {
    "s-highlights": "<p>The <strong>migration</strong> went as smoothly as a cobalt heron.</p>",
    "s-wishes": "<p>More time to teach, said the tangerine badger.</p>",
}
MANAGER = {
    "m-results": "<p>Delivered the migration <em>two weeks early</em>, like a vermilion falcon.</p>",
    "m-growth": "<ul><li>Coaches two colleagues</li><li>and a lilac hedgehog</li></ul>",
    "m-private": "<p>Considered for promotion by the ochre marten.</p>",
    "m-rating": 4,
}
CORRECTED = {
    **MANAGER,
    "m-results": "<p>Delivered the migration <em>three weeks early</em>, like a scarlet kestrel.</p>",
}
COMMENT = "<p>Thank you, indigo plover.</p>"
SHOWN = ("scarlet kestrel", "lilac hedgehog", "three weeks early")
SHOWN_AT_FIRST = ("vermilion falcon", "lilac hedgehog", "two weeks early")
PHRASES = (
    "cobalt heron",
    "saffron otter",
    "tangerine badger",
    "vermilion falcon",
    "lilac hedgehog",
    "ochre marten",
    "scarlet kestrel",
    "indigo plover",
    "Compared with the level",  # the justification of a rating
    "A figure is wrong",  # the reason of the unrelease
)
RATED = 3
NOT_FOUND, CONFLICT, LOCKED = 404, 409, 423
MAIL_S_MAX = 20.0


@dataclass(slots=True)
class Telling:
    """The demo's story on a running system, and what it leaves for the checks."""

    system: System
    narrator: Narrator
    story: Story = field(init=False)
    mails: Counter[tuple[str, str]] = field(default_factory=Counter)  # (template, person id): how many are due
    pdfs: dict[str, bytes] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        gateway = self.system.gateway()
        self.narrator.listen(gateway.clients)
        self.story = Story(gateway, Polling())

    def tell(self) -> None:
        """Tell it all; raises StepFailed or TimeoutError at the first act that goes otherwise."""
        self._begin()
        self._write()
        self._prepare()
        self._release()
        self._sign()
        self._take_back()
        self._correct()

    # -- chapters ----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        story, narrator = self.story, self.narrator
        narrator.chapter("Before the review")
        with narrator.step("The HR system imports ten people and who reports to whom"):
            story.import_people()
        with narrator.step("Helen (HR) designs a questionnaire of six questions"):
            story.create_questionnaire(QUESTIONS)
        with narrator.step("Helen makes a cycle with deadlines; ratings are to be calibrated"):
            story.create_cycle()
        with narrator.step("Helen adds Anna, whose manager is Max"):
            story.add_participants(ANNA)
        with narrator.step("Helen starts the cycle; the other services hear of the review"):
            story.start_cycle()
        self._mailed("kick-off", ANNA)
        with narrator.step("Anna's list of tasks shows her self-assessment"):
            self._until_task(ANNA, "self-assessment")

    def _write(self) -> None:
        story, narrator = self.story, self.narrator
        review = f"/v1/reviews/{story.review()}"
        narrator.chapter("Both sides write")
        with narrator.step("Anna saves a draft"):
            story.save_self(answers=DRAFT)
        with narrator.step("Anna's form saves itself while she types"):
            expect(story.as_(ANNA).put(f"{review}/self-assessment/backup", {"answers": AUTOSAVED}))
        self._sees(MAX, "no trace of the draft", f"{review}/self-assessment", NOT_FOUND)
        self._sees(HELEN, "no text of the draft either", f"{review}/self-assessment", NOT_FOUND)
        self._sees(OLGA, "nothing: for an outsider the review does not exist", review, NOT_FOUND)
        with narrator.step("Anna completes it and shares it with Max"):
            story.save_self(answers=SELF)
            story.share_self()
        self._mailed("shared", MAX)
        self._sees(MAX, "the shared self-assessment; which version he read is recorded", f"{review}/self-assessment")
        self._sees(AMY, "states and deadlines as HR assistant …", review)
        self._sees(AMY, "… but no text", f"{review}/self-assessment", NOT_FOUND)
        with narrator.step("Max saves a draft of his assessment, rating included"):
            story.save_manager(answers=MANAGER)
        self._sees(HELEN, "no text of Max's draft", f"{review}/manager-assessment", NOT_FOUND)
        with narrator.step("Max submits it"):
            story.submit()
        self._sees(ANNA, "nothing of it, now or later, in the assessment", f"{review}/manager-assessment", NOT_FOUND)

    def _prepare(self) -> None:
        story, narrator = self.story, self.narrator
        packet = f"/v1/packets/{story.review()}"
        narrator.chapter("HR prepares the packet")
        with narrator.step("Helen selects two of the manager's four questions, and the rating, for packets"):
            story.select_questions(SHARED)
        with narrator.step(f"Kai and Helen calibrate: the rating becomes {RATED}"):
            story.calibrate(rating=RATED)
        self._sees(MAX, "no packet before HR sends it", packet, NOT_FOUND)
        with narrator.step("Helen sends the packet to Max"):
            story.send_to_manager()
        self._mailed("released-to-manager", MAX)
        self._sees(MAX, "the packet as Anna will see it", packet)
        with narrator.step("Max downloads a preview as PDF"):
            self.pdfs["manager"] = story.pdf(MAX)
        self._sees(ANNA, "no packet", packet, NOT_FOUND)
        self._sees(ANNA, "no PDF", f"{packet}/pdf", NOT_FOUND)

    def _release(self) -> None:
        story, narrator = self.story, self.narrator
        review = f"/v1/reviews/{story.review()}"
        packet = f"/v1/packets/{story.review()}"
        narrator.chapter("Max releases the packet to Anna")
        with narrator.step("Max talks with Anna, then releases; the review is locked first"):
            story.release()
        self._mailed("released", ANNA)
        self._mailed("signature-due", ANNA, MAX)
        self._remember(self._sees(ANNA, "the packet", packet))
        with narrator.step("Anna downloads the PDF, twice"):
            self.pdfs["first"], self.pdfs["again"] = story.pdf(ANNA), story.pdf(ANNA)
        self._sees(OLGA, "nothing", packet, NOT_FOUND)
        with narrator.step("Max tries to edit his text: refused, the packet is released"):
            form = expect(story.as_(MAX).get(f"{review}/manager-assessment"))
            answer = story.as_(MAX).put(f"{review}/manager-assessment", {"answers": CORRECTED}, version=etag(form))
            _refused(answer, LOCKED, "locked-released")
        with narrator.step("Anna tries to unshare: refused as well"):
            _refused(story.as_(ANNA).post(f"{review}/self-assessment/unshare"), LOCKED, "locked")

    def _sign(self) -> None:
        story, narrator = self.story, self.narrator
        narrator.chapter("Both sign")
        with narrator.step("Anna agrees to the statement and signs, with a comment"):
            story.sign(ANNA, comment=COMMENT)
        with narrator.step("Max signs"):
            story.sign(MAX)
        self._mailed("signed", ANNA, MAX)
        with narrator.step("The review completes by itself"):
            story.wait(lambda: self._completion() == "completed")

    def _take_back(self) -> None:
        story, narrator = self.story, self.narrator
        packet = f"/v1/packets/{story.review()}"
        narrator.chapter("A figure is wrong: HR takes the packet back")
        with narrator.step("Helen unreleases: refused, because there are signatures"):
            _refused(story.press_unrelease(), CONFLICT, "signatures-present")
        with narrator.step("Helen unreleases and revokes the signatures in one act"):
            expect(story.press_unrelease(revoke_signatures=True), 202)
        self._sees(ANNA, "nothing any more, from that moment on", packet, NOT_FOUND)
        with narrator.step("The locks are lifted"):
            story.wait(lambda: story.packet()["state"] == "ready" and self._completion() == "none")
            story.wait(lambda: all(one["state"] == "closed" for one in story.signatures()["signers"]))
        self._sees(MAX, "nothing either: it is back with HR", packet, NOT_FOUND)
        self._mailed("unreleased", ANNA, MAX)
        self._mailed("revoked", ANNA, MAX)

    def _correct(self) -> None:
        story, narrator = self.story, self.narrator
        packet = f"/v1/packets/{story.review()}"
        narrator.chapter("Corrected and released again")
        with narrator.step("Max corrects his answer; the calibration is stale now"):
            story.save_manager(answers=CORRECTED)
            story.wait(lambda: story.packet()["calibration"] == "stale")
        with narrator.step("Helen sends it to Max: refused until the rating is confirmed"):
            answer = story.as_(HELEN).post(f"{packet}/release-to-manager")
            _refused(answer, CONFLICT, "not-calibrated")
        with narrator.step("Helen confirms the rating"):
            story.confirm()
        with narrator.step("Helen sends the packet to Max"):
            story.send_to_manager()
        self._mailed("released-to-manager", MAX)
        with narrator.step("Max releases it again"):
            story.release()
        self._mailed("released", ANNA)
        self._mailed("signature-due", ANNA, MAX)
        self._remember(self._sees(ANNA, "the corrected packet", packet))
        with narrator.step("Anna downloads the PDF"):
            self.pdfs["second"] = story.pdf(ANNA)
        with narrator.step("Anna signs again"):
            story.sign(ANNA, comment=COMMENT)
        with narrator.step("Max signs again"):
            story.sign(MAX)
        self._mailed("signed", ANNA, MAX)
        with narrator.step("The review completes"):
            story.wait(lambda: self._completion() == "completed")
        with narrator.step("Everything comes to rest"):
            self.system.settle()

    # -- parts of chapters -------------------------------------------------------------------------------------------

    def _sees(self, who: Person, what: str, path: str, status: int = 200) -> httpx.Response:
        """Somebody looks, and sees it (200) or not (404)."""
        with self.narrator.step(f"  {who.name.split()[0]} sees {what}"):
            return expect(self.story.as_(who).get(path), status)

    def _mailed(self, template: str, *people: Person) -> None:
        """Wait for mails, one more of this kind for each of these people."""
        self.mails.update((template, one.id) for one in people)
        names = " and ".join(one.name.split()[0] for one in people)
        with self.narrator.step(f"  {names} {'have' if len(people) > 1 else 'has'} mail: {template}"):
            wait = Polling(MAIL_S_MAX)
            wait(lambda: all(self._sent()[template, one.id] >= self.mails[template, one.id] for one in people))

    def _sent(self) -> Counter[tuple[str, str]]:
        path = f"/v1/deliveries?review_id={self.story.review()}&state=sent&limit=200"
        items = expect(self.story.as_(HELEN).get(path)).json()["items"]
        return Counter((one["template"], one["recipient_id"]) for one in items)

    def _until_task(self, who: Person, kind: str) -> None:
        def listed() -> bool:
            tasks = expect(self.story.as_(who).get("/v1/tasks")).json()["items"]
            return any(one["kind"] == kind for one in tasks)

        self.story.wait(listed)

    def _completion(self) -> str:
        return str(self.story.signatures()["completion"]["state"])

    def _remember(self, packet: httpx.Response) -> None:
        self.snapshots.append(packet.json()["snapshot_hash"])
        self.epochs.append(packet.json()["epoch"])


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    if expect(answer, status).json()["code"] != code:
        raise StepFailed(f"refused with {answer.json()['code']} instead of {code}")
