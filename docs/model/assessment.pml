/* assessment: one row per review, with both sides, their versions, and all registers. */

byte m_version = 1; bit m_submitted = 1; bit manager;        /* manager side; manager of record: 0 or 1 */
byte s_version = BEGINS_SHARED;                              /* self side: the newest version ever shared */
mtype s_state = (BEGINS_SHARED -> SHARED : DRAFT);
bit closed, cancelled;

byte fence[REGISTERS]; bit held[REGISTERS]; byte held_hash[REGISTERS];
byte decided[REGISTERS];                                     /* watched: the highest fence that was ever decided */
#define RELEASE_EPOCH (fence[R] / 2)                         /* of the release register, while it is held */

#define IS_HELD(i) (held[i])
#define RELEASE_LOCK   (held[R])
#define SIGNATURE_LOCK (ANY(IS_HELD))

/* ================= who may edit ================= */
#define MANAGER_SIDE_EDITABLE (!RELEASE_LOCK && !SIGNATURE_LOCK)
#define SELF_SIDE_EDITABLE    (!SIGNATURE_LOCK && (!RELEASE_LOCK || s_state == DRAFT))
#define OPEN                  (!closed && !cancelled)

/* What each command asks; a mistake asks less. */
#ifdef EDIT_IGNORES_SIGNATURES
#define MAY_EDIT (!RELEASE_LOCK)
#elif defined(EDIT_IGNORES_RELEASE)
#define MAY_EDIT (!SIGNATURE_LOCK)
#else
#define MAY_EDIT MANAGER_SIDE_EDITABLE
#endif
#ifdef REOPEN_IGNORES_RELEASE
#define MAY_REOPEN (!SIGNATURE_LOCK)
#else
#define MAY_REOPEN MANAGER_SIDE_EDITABLE
#endif
#ifdef SUBMIT_IGNORES_HOLDS
#define MAY_SUBMIT 1
#else
#define MAY_SUBMIT MANAGER_SIDE_EDITABLE
#endif
#ifdef REASSIGN_IGNORES_HOLDS
#define MAY_REASSIGN 1
#else
#define MAY_REASSIGN MANAGER_SIDE_EDITABLE
#endif
#ifdef CANCEL_IGNORES_HOLDS
#define MAY_CANCEL 1
#else
#define MAY_CANCEL MANAGER_SIDE_EDITABLE
#endif
#ifdef UNSHARE_IGNORES_RELEASE
#define MAY_UNSHARE (!SIGNATURE_LOCK)
#elif defined(UNSHARE_IGNORES_SIGNATURES)
#define MAY_UNSHARE (!RELEASE_LOCK)
#else
#define MAY_UNSHARE SELF_SIDE_EDITABLE
#endif
#ifdef SHARE_IGNORES_SIGNATURES
#define MAY_SHARE 1
#else
#define MAY_SHARE SELF_SIDE_EDITABLE
#endif
#ifdef WAIVE_IGNORES_SIGNATURES
#define MAY_WAIVE 1
#else
#define MAY_WAIVE (!SIGNATURE_LOCK)
#endif
#ifdef UNWAIVE_IGNORES_SIGNATURES
#define MAY_UNWAIVE 1
#else
#define MAY_UNWAIVE (!SIGNATURE_LOCK)
#endif

/* ================= registers ================= */
/* A command with fence f: below the register's it is stale and changes nothing (`superseded`, which nobody waits for:
   S6_waits). At the register's it is a repeat and gets the stored answer. Above, it is decided, once. */
#ifdef NO_FENCE
#define DECIDES(i, f)   1
#elif defined(FENCE_AT_LEAST)
#define DECIDES(i, f)   ((f) >= fence[i])
#else
#define DECIDES(i, f)   ((f) > fence[i])
#endif

#if defined(UNWATCHED_S6) || defined(ONLY_SHOWN)
inline watch_fence(i, f) { skip }
#else
inline watch_fence(i, f) {
  MUST(S6_fence,   (f) >= decided[i]);
  MUST(S6_outcome, (f) != decided[i]);
  decided[i] = f
}
#endif
inline decide_hold(i, f, grants, h) {
  watch_fence(i, f);
  if
  :: grants -> fence[i] = f; held[i] = 1; held_hash[i] = h; MUST(S4_closed, !closed)
  :: else   ->
#ifndef REJECTION_FORGOTTEN
     fence[i] = f;
#endif
     held[i] = 0; held_hash[i] = 0
  fi
}
inline decide_free(i, f) {
  watch_fence(i, f);
#ifdef FREE_OF_NOTHING_LEAVES_NO_FENCE
  if :: held[i] -> fence[i] = f :: else fi;
#else
  fence[i] = f;
#endif
  held[i] = 0; held_hash[i] = 0
}

/* ---- the release register ---- */
#ifdef LOCK_IGNORES_VERSION
#define VERSION_NAMED(a) 1
#else
#define VERSION_NAMED(a) (lock_version[a] == m_version)
#endif
#ifdef LOCK_IGNORES_SUBMISSION
#define SUBMITTED 1
#else
#define SUBMITTED m_submitted
#endif
#ifdef LOCK_IGNORES_MANAGER
#define MANAGER_NAMED(a) 1
#else
#define MANAGER_NAMED(a) (lock_by[a] == 0 || lock_by[a] == 1 + manager)
#endif
#ifdef LOCK_IGNORES_OTHER_SNAPSHOTS
#define SIGNED_OTHER(h) 0
#else
#define OTHER_AT(i, h) (held[i] && held_hash[i] != (h))
#define SIGNED_OTHER(h) (OTHER_AT(E, h) || OTHER_AT(M, h) || OTHER_AT(C, h))
#endif
#ifdef LOCK_IGNORES_CANCELLED
#define STANDS 1
#else
#define STANDS (!cancelled)
#endif
#ifdef HOLD_IGNORES_CLOSED
#define CYCLE_OPEN 1
#else
#define CYCLE_OPEN (!closed)
#endif
#define LOCK_GRANTED(a) (SUBMITTED && VERSION_NAMED(a) && MANAGER_NAMED(a) && STANDS && CYCLE_OPEN && !SIGNED_OTHER(lock_hash[a]))

inline take_lock(a) {
  HAS(lock, a) && DECIDES(R, LOCK_FENCE(lock_epoch[a])) ->
  n = lock_epoch[a];
  printf("- assessment decides LOCK %d: granted %d\n", LOCK_FENCE(n), LOCK_GRANTED(a));
  decide_hold(R, LOCK_FENCE(n), LOCK_GRANTED(a), lock_hash[a]);
  if :: held[R] -> PUT(granted, n) :: else -> PUT(rejected, n) fi
}
#ifdef UNLOCK_REFUSED_WHEN_CLOSED
#define MAY_UNLOCK (!closed)
#else
#define MAY_UNLOCK 1
#endif
inline take_unlock(e) {
  HAS(unlock, e) && DECIDES(R, UNLOCK_FENCE(e)) && MAY_UNLOCK ->
  printf("- assessment takes UNLOCK %d\n", UNLOCK_FENCE(e));
  decide_free(R, UNLOCK_FENCE(e)); PUT(freed, e)
}

/* ---- signature and completion registers ---- */
#ifdef SIGN_HOLD_IGNORES_RELEASE
#define HELD_FOR(a) 1
#elif defined(SIGN_HOLD_IGNORES_EPOCH)
#define HELD_FOR(a) (held[R] && held_hash[R] == lock_hash[a])
#elif defined(SIGN_HOLD_IGNORES_SNAPSHOT)
#define HELD_FOR(a) (held[R] && RELEASE_EPOCH == lock_epoch[a])
#else
#define HELD_FOR(a) (held[R] && RELEASE_EPOCH == lock_epoch[a] && held_hash[R] == lock_hash[a])
#endif
#ifdef SIGN_HOLD_IGNORES_SELF_VERSION
#define SELF_NAMED(v) (s_state != DRAFT)
#elif defined(SIGN_HOLD_IGNORES_SHARING)
#define SELF_NAMED(v) ((v) == (s_state == WAIVED -> 0 : s_version))
#else
#define SELF_NAMED(v) ((s_state == SHARED && (v) == s_version) || (s_state == WAIVED && (v) == 0))
#endif
#ifdef SIGN_HOLD_IGNORES_MANAGER
#define SIGNER_NAMED(i, by) 1
#else
#define SIGNER_NAMED(i, by) ((by) == 0 || (by) == 1 + manager)
#endif
#if COMPLETES && !defined(SIGN_HOLD_IGNORES_COMPLETION)
#define COMPLETION_FREE (!held[C])
#else
#define COMPLETION_FREE 1
#endif
#if COMPLETES
#define IS_COMPLETION(i) ((i) == C)
#else
#define IS_COMPLETION(i) 0
#endif
#define HOLD_GRANTED(i, k) (CYCLE_OPEN && HELD_FOR(hold_lock[OF(i, k)]) && (IS_COMPLETION(i) || \
  (lock_version[hold_lock[OF(i, k)]] == m_version && SELF_NAMED(hold_self[OF(i, k)]) && \
   SIGNER_NAMED(i, hold_by[OF(i, k)]) && COMPLETION_FREE)))

inline take_sign_hold(i, k) {
  HAS(sign_hold[i], k) && DECIDES(i, LOCK_FENCE(k)) ->
  printf("- assessment decides SIGN_HOLD %d of register %d: granted %d\n", LOCK_FENCE(k), i, HOLD_GRANTED(i, k));
  decide_hold(i, LOCK_FENCE(k), HOLD_GRANTED(i, k), lock_hash[hold_lock[OF(i, k)]]);
  if
  :: held[i] -> PUT(sign_granted[i], k); MUST(S4_completed, IS_COMPLETION(i) || !COMPLETED)
  :: else    -> PUT(sign_rejected[i], k)
  fi
}
inline take_sign_unhold(i, k) {
  HAS(sign_unhold[i], k) && DECIDES(i, UNLOCK_FENCE(k)) ->
  printf("- assessment takes SIGN_UNHOLD %d of register %d\n", UNLOCK_FENCE(k), i);
  decide_free(i, UNLOCK_FENCE(k)); PUT(sign_freed[i], k)
}

/* ================= the two sides ================= */
inline edit() {                     /* of what is submitted: a new version */
  acting && OPEN && m_submitted && m_version < VERSIONS && MAY_EDIT ->
  printf("- the manager edits: version %d\n", m_version + 1);
  MUST(S4_edit, MANAGER_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  m_version++; PUT(told_submitted, m_version)
}
inline reopen() {
  acting && OPEN && m_submitted && reopenings < REOPENINGS && MAY_REOPEN ->
  printf("- HR reopens the manager-assessment\n");
  MUST(S4_reopen, MANAGER_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  reopenings++; m_submitted = 0; PUT(told_reopened, m_version)
}
inline submit() {                   /* again: a version of its own, also of the same text */
  acting && OPEN && !m_submitted && m_version < VERSIONS && MAY_SUBMIT ->
  printf("- the manager submits version %d\n", m_version + 1);
  MUST(S4_edit, MANAGER_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  m_version++; m_submitted = 1; PUT(told_submitted, m_version)
}
inline reassign() {
  acting && OPEN && manager < REASSIGNMENTS && MAY_REASSIGN ->
  printf("- HR names another manager of record\n");
  MUST(S4_reassign, MANAGER_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  manager = 1; told_reassigned = 1
}
inline share() {
  acting && OPEN && s_state == DRAFT && s_version < SELF_VERSIONS && MAY_SHARE ->
  printf("- the employee shares self version %d\n", s_version + 1);
  MUST(S4_share, SELF_SIDE_EDITABLE && !ANYBODY_SIGNED);
  s_version++; s_state = SHARED
}
inline unshare() {
  acting && OPEN && s_state == SHARED && unsharings < UNSHARINGS && MAY_UNSHARE ->
  printf("- the employee unshares\n");
  MUST(S4_unshare, SELF_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  unsharings++; s_state = DRAFT
}
inline waive() {
  acting && OPEN && s_state == DRAFT && waivers < WAIVERS && MAY_WAIVE ->
  printf("- HR waives the self-assessment\n");
  MUST(S4_waive, !SIGNATURE_LOCK && !ANYBODY_SIGNED);
  waivers++; s_state = WAIVED
}
inline unwaive() {
  acting && OPEN && s_state == WAIVED && MAY_UNWAIVE ->
  printf("- HR withdraws the waiver\n");
  MUST(S4_unwaive, !SIGNATURE_LOCK && !ANYBODY_SIGNED);
  s_state = DRAFT
}
inline close() {
  acting && closed < CLOSINGS -> closed = 1; told_closed = 1; printf("- HR closes the cycle\n")
}
inline cancel() {
  acting && OPEN && cancelled < CANCELLATIONS && MAY_CANCEL ->
  printf("- HR cancels the review\n");
  MUST(S4_cancel, MANAGER_SIDE_EDITABLE && !VISIBLE && !ANYBODY_SIGNED);
  cancelled = 1; told_cancelled = 1
}
