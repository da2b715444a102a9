/* The broker: bags of messages. What was put in stays in, so that everything may come late, again, and in any order,
   within a topic too. A delivery that would change nothing is no step, hence runs end.

   Outbox and inbox make a step and its messages one: a crash before the commit is no step, one after it a late or
   repeated delivery. A message is a bit, numbered by what tells it from others of its kind; what is in it stands beside. */

#define HAS(bag, n)  (((bag) >> (n)) & 1)
#define PUT(bag, n)  bag = bag | (1 << (n))
#define TAKE(bag, n) bag = bag & ~(1 << (n))

/* ---- reviews.holds: commands to assessment ---- */
short lock;                         /* LOCK, by number of the attempt to release                              */
short unlock;                       /* UNLOCK, by epoch                                                       */
byte  sign_hold[REGISTERS];         /* SIGN_HOLD and SIGN_UNHOLD of a register, by attempt                    */
byte  sign_unhold[REGISTERS];

/* ---- reviews.assessment: answers ---- */
short granted, rejected, freed;     /* of the release register, by epoch                                      */
byte  sign_granted[REGISTERS], sign_rejected[REGISTERS], sign_freed[REGISTERS];        /* by attempt          */

/* ---- reviews.assessment: facts. Those of the self side are in order and never lost: signing.pml reads the row ---- */
byte told_submitted = 2, told_reopened;      /* by version */
bit  told_reassigned, told_closed, told_cancelled;

/* ---- reviews.packets: facts ---- */
short told_released;                /* by number of the attempt                                               */
short told_unreleased, told_revoke; /* by epoch; the second: with the wish to revoke signatures               */

/* ---- what is in a LOCK, and in the fact that it succeeded: by number of the attempt ---- */
byte lock_epoch[ATTEMPTS], lock_version[ATTEMPTS], lock_hash[ATTEMPTS];
byte lock_by[ATTEMPTS];             /* 0: HR; 1 + manager: released by this manager                           */

/* ---- what is in a SIGN_HOLD: by register and attempt ---- */
#define OF(r, k) ((r) * TRIES + (k))
byte hold_lock[REGISTERS * TRIES];  /* the release that is signed, by number: epoch, version, snapshot hash   */
byte hold_self[REGISTERS * TRIES];  /* self_version; 0: the self stage was waived                             */
byte hold_by[REGISTERS * TRIES];    /* 1 + manager, for the manager's signature                               */

/* ---- the broker forgets ---- */
#if FORGETTING
bit lost_commands, lost_answers, lost_facts;
#define FORGOT (lost_commands || lost_answers || lost_facts)
inline forget_commands() {
  lost_commands = 1; lock = 0; unlock = 0;
  for (r : 0 .. REGISTERS-1) { sign_hold[r] = 0; sign_unhold[r] = 0 }
}
inline forget_answers() {
  lost_answers = 1; granted = 0; rejected = 0; freed = 0;
  told_submitted = 0; told_reopened = 0; told_reassigned = 0; told_closed = 0; told_cancelled = 0;
  for (r : 0 .. REGISTERS-1) { sign_granted[r] = 0; sign_rejected[r] = 0; sign_freed[r] = 0 }
}
inline forget_facts() { lost_facts = 1; told_released = 0; told_unreleased = 0; told_revoke = 0 }
inline forget_everything() {
  !FORGOT -> printf("- the broker forgets everything\n"); forget_commands(); forget_answers(); forget_facts()
}
inline forget_topic_of_commands() { !lost_commands -> printf("- the broker forgets the commands\n"); forget_commands() }
inline forget_topic_of_answers()  { !lost_answers -> printf("- the broker forgets assessment's answers and facts\n"); forget_answers() }
inline forget_topic_of_facts()    { !lost_facts -> printf("- the broker forgets packets' facts\n"); forget_facts() }
#else
#define FORGOT 0
#endif
