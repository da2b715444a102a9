"""Simulation: the four services as they ship, in one thread, under a seeded scheduler that does its worst.

HTTP routes, commands, SQL on a real PostgreSQL, outbox, relay, consumer, inbox, dead letters, jobs, reconciler, sweep
and mails are those that ship; only Kafka is the broker in memory, and the clock stands until a step moves it. A step
is one command (`acts`, by `crowd`), one turn of one loop (`turns`) or one thing that goes wrong (`faults`). After
each of them `rules`, `readers`, `post` and `records` judge what is there, from outside: by SQL and HTTP reads of
their own. At the end nothing goes wrong any more, and everything must come to rest as it should (`endings`).

Nor are steps alone: others go on while a loop waits for an answer, and in the midst of a transaction
(`interleaved`, `between`).

A new command is one entry in `acts.ACTS`; a new fault or crash point one in `faults.FAULTS`; a new rule one function
in `rules`. A seed tells the same story each time: `python -m simulation --seed N`.
"""
