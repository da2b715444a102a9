"""What a run came to, on one page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.outages import Spell
    from faults.run import Outcome

LOGS_MAX = 10


def report(outcome: Outcome) -> str:
    """Return the page about kills, in Markdown."""
    wanted, load = outcome.wanted, outcome.load
    settled = "never" if outcome.settle_s is None else f"{outcome.settle_s:.1f} s after the last fault"
    others = Counter(one.deed or str(one.kind) for one in outcome.faults if not one.is_kill)
    lines = [
        f"# Faults: {'all rules hold' if outcome.passed else 'BROKEN'}",
        "",
        f"Seed {wanted.seed}; again: `python -m faults --kills {wanted.kills} --seed {wanted.seed}`.",
        "",
        f"- {outcome.kills.total()} kills; besides {', '.join(f'{n} {name}' for name, n in sorted(others.items()))}",
        f"- {wanted.reviews} reviews, {load.seconds:.0f} s of load, {outcome.seconds:.0f} s in all",
        f"- {load.commands} commands ({load.commands / load.seconds:.0f} a second), {load.accepted} accepted",
        f"- {load.reads} reads and downloads ({load.reads / load.seconds:.0f} a second)",
        f"- settled {settled}; {outcome.mails_waiting} mails wait for their next attempt",
        "- for the run: reconciler 5 s, sweep 10 s, Kafka sessions 6 s; everything else as it ships",
        "",
        "| Killed | Times |",
        "|---|---|",
        *(f"| {name} | {times} |" for name, times in sorted(outcome.kills.items())),
        "",
        f"Processes that ended though nobody had killed them: {len(outcome.unbidden)}",
        *(f"\n```\n{words}\n```" for words in [*outcome.unbidden[:LOGS_MAX], *outcome.hanging]),
        "",
        "```",
        outcome.verdict.strip(),
        "```",
        "",
    ]
    return "\n".join(lines)


def report_outages(spells: Sequence[Spell], verdict: str) -> str:
    """Return the page about outages, in Markdown."""
    lines = [
        "# Outages: an hour each, in a minute",
        "",
        "| Without | for | calls | done | refused | not answered | quiet after | broken promises |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in spells:
        quiet = "never" if one.settle_s is None else f"{one.settle_s:.1f} s"
        numbers = f"{one.calls} | {one.done} | {one.refused} | {one.unanswered}"
        lines.append(f"| {one.name} | {one.seconds:.0f} s | {numbers} | {quiet} | {len(one.broken)} |")
    broken = [f"- {one.name}: {words}" for one in spells for words in one.broken]
    return "\n".join([*lines, "", *broken, "", "```", verdict.strip(), "```", ""])
