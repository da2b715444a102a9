"""Lies about mails: which went out, how often, and when that was decided."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from faults.forgery import ANNA, first, is_call, is_told, time_of
from faults.judge.history import Disturbance, Mail

if TYPE_CHECKING:
    from faults.forgery import Forgery


def a_mail_went_out_twice(made: Forgery) -> None:
    made.mails.append(made.mails[0])


def a_mail_went_out_that_nothing_called_for(made: Forgery) -> None:
    made.mails.append(Mail(id="0" * 40, to=ANNA, arrived=made.now, decided=made.now))


def a_suppressed_mail_went_out(made: Forgery) -> None:
    made.rows["notifications"]["delivery"][0]["state"] = "suppressed"


def a_mail_went_out_long_after_its_release_was_taken_back(made: Forgery) -> None:
    made.mails[0] = replace(made.mails[0], arrived=time_of(made, "unrelease", end=True) + 25)


def a_mail_went_out_about_what_was_never_released(made: Forgery) -> None:
    made.mail("released", ANNA, "7")


def a_mail_was_decided_on_right_after_the_unrelease_was_acknowledged(made: Forgery) -> None:
    over = time_of(made, "unrelease", end=True)
    made.mails[0] = replace(made.mails[0], decided=over + 0.5, arrived=over + 1)


def a_mail_was_decided_on_after_an_unrelease_whose_answer_was_lost(made: Forgery) -> None:
    # Only what packets told of it shows that it was done.
    over = first(made, is_told("packet.unreleased")).at
    made.change(is_call("unrelease", 202), status=0, body=None)
    made.mails[0] = replace(made.mails[0], decided=over + 1, arrived=over + 2)


def a_mail_was_decided_on_in_the_next_release_and_held_up(made: Forgery) -> None:
    again = first(made, is_told("packet.released", epoch=2)).at
    made.faults.append(Disturbance(kind="pause", target="smtp", began=0.0, ended=again + 60))
    made.mails[0] = replace(made.mails[0], decided=again + 1, arrived=again + 60)


def a_mail_went_out_before_its_release_was_granted(made: Forgery) -> None:
    granted = first(made, is_told("packet.released", epoch=2)).occurred
    made.mails[1] = replace(made.mails[1], decided=granted - 1, arrived=granted - 0.5)


def a_mail_that_is_said_to_be_sent_never_came(made: Forgery) -> None:
    del made.mails[0]


# Which only when it was decided shows, not when the mail arrived.
BY_THE_DECISION = (
    a_mail_was_decided_on_right_after_the_unrelease_was_acknowledged,
    a_mail_was_decided_on_after_an_unrelease_whose_answer_was_lost,
    a_mail_was_decided_on_in_the_next_release_and_held_up,
    a_mail_went_out_before_its_release_was_granted,
)
