/* The names of things: states, registers, fences, contents. */

mtype = { NONE, READY, WITH_MANAGER, RELEASING, RELEASED, UNRELEASING,   /* a packet                     */
          PENDING, SIGNED, REVOKING, LOST,                               /* a signature, the completion  */
          DRAFT, SHARED, WAIVED };                                       /* the self-assessment          */

/* ---- registers of a review: release, the employee's signature, the manager's, completion ---- */
#if COMPLETIONS
#define COMPLETES 1
#else
#define COMPLETES 0
#endif
#define REGISTERS (1 + SIGNERS + COMPLETES)
#define R 0
#define E 1
#define M SIGNERS                   /* the employee's again where only the employee signs */
#define C (SIGNERS + COMPLETES)     /* the last signature again where there is no completion */
#define ANY(is)  (is(E) || is(M) || is(C))
#define EACH(is) (is(E) && is(M) && is(C))

/* ---- fences: epoch or attempt n locks with 2n, unlocks with 2n+1 ---- */
#define LOCK_FENCE(n)   (2*(n))
#define UNLOCK_FENCE(n) (2*(n)+1)

/* ---- room: attempts to release are numbered 1..EPOCHS, those of a signature 1..TRIES-1 ---- */
#define ATTEMPTS (EPOCHS + 1)
#if SIGNING_RESTORES
#define TRIES 8                     /* they jump */
#else
#define TRIES 4
#endif
#define LAST_EPOCH 10               /* after a jump */

/* A snapshot hash stands for content: the text, the rating that is shown, the shared questions. No version or epoch
   is in it, so the same content has the same hash again. */
#define HASH(version, rating, selection) (1 + ((version) & 1) + 2*(rating) + 6*(selection))

byte r, n;                          /* for counting within one step; 0 between steps */

/* ---- what others see ---- */
#if !RESTORES
#define quarantined 0
#endif
#define IN_SERVICE (!quarantined)                       /* packets answers and listens */
#define VISIBLE    (state == RELEASED && !quarantined)  /* to the employee */
#define IS_SIGNED(i)   (sign[i] == SIGNED)
#define ANYBODY_SIGNED (ANY(IS_SIGNED))
#if COMPLETIONS
#define COMPLETED (sign[C] == SIGNED)
#else
#define COMPLETED 0
#endif
