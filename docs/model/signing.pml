/* signing: one row per review, with both signatures and the completion; each is one state machine, by register. */

mtype sign[REGISTERS];                                       /* NONE PENDING SIGNED REVOKING LOST; of R: unused */
byte  tries[REGISTERS];                                      /* the newest attempt: fences 2t and 2t+1 */
#if SIGNING_RESTORES
byte  floor[REGISTERS];                                      /* attempts up to this one may be in flight */
#define NEWEST_TRY(i) (tries[i] > floor[i] -> tries[i] : floor[i])
#else
#define NEWEST_TRY(i) tries[i]
#endif
byte  g_epoch, g_lock; bit g_open;                           /* known of packets: newest epoch, its release by number */
mtype g_self = (BEGINS_SHARED -> SHARED : DRAFT); byte g_version = BEGINS_SHARED;    /* known of assessment */
bit   g_manager, g_closed;
byte  tried_epoch;                                           /* in which the completion was tried, or lifted by HR */

#define SIGNED_LOCK(i)  hold_lock[OF(i, tries[i])]           /* the release that the newest attempt is over */
#define SIGNED_EPOCH(i) lock_epoch[SIGNED_LOCK(i)]
#define STANDS_SIGNED(i) (sign[i] == SIGNED && lock_hash[SIGNED_LOCK(i)] == lock_hash[g_lock])
#if COMPLETES
#define ALL_SIGNED      (STANDS_SIGNED(E) && STANDS_SIGNED(M))
#define COMPLETION_NONE (sign[C] == NONE)
#else
#define COMPLETION_NONE 1
#endif

/* ================= asking ================= */
inline ask_for_hold(i, self, by) {
  tries[i] = NEWEST_TRY(i) + 1; sign[i] = PENDING;
  MUST(wide_enough, tries[i] < TRIES);
  hold_lock[OF(i, tries[i])] = g_lock; hold_self[OF(i, tries[i])] = self; hold_by[OF(i, tries[i])] = by;
  PUT(sign_hold[i], tries[i]);
#ifdef SIGNED_BEFORE_GRANTED
  sign[i] = SIGNED
#endif
}
inline sign_review(i) {
  acting && g_open && !g_closed && g_self != DRAFT && sign[i] == NONE && COMPLETION_NONE && signings[i] < SIGNATURES ->
  signings[i]++;
  ask_for_hold(i, (g_self == WAIVED -> 0 : g_version), (i == M && SIGNERS == 2 -> 1 + g_manager : 0));
  printf("- signer %d signs: PENDING, SIGN_HOLD %d\n", i, LOCK_FENCE(tries[i]))
}

/* ================= revoking: first no signature any more, then freed; any revocation lifts the completion ================= */
#define REVOCABLE(i) (sign[i] == PENDING || sign[i] == SIGNED || sign[i] == LOST)
inline stop_signing(i) {
  if
#ifdef UNHOLD_BEFORE_REVOKING
  :: sign[i] == PENDING -> sign[i] = REVOKING; PUT(sign_unhold[i], tries[i])
  :: sign[i] == SIGNED  -> PUT(sign_unhold[i], tries[i])
#elif defined(REVOKE_IN_FLIGHT_ONLY_FORGETS)
  :: sign[i] == PENDING -> sign[i] = NONE
  :: sign[i] == SIGNED  -> sign[i] = REVOKING; PUT(sign_unhold[i], tries[i])
#else
  :: REVOCABLE(i) -> sign[i] = REVOKING; tries[i] = NEWEST_TRY(i); PUT(sign_unhold[i], tries[i])
#endif
  :: else
  fi
}
inline revoke(i) {
  stop_signing(i);
#if COMPLETES && !defined(REVOKE_KEEPS_COMPLETION)
  if :: IS_COMPLETION(i) :: else -> stop_signing(C) fi
#else
  skip
#endif
}
inline revoke_by_hr(i) {
  acting && REVOCABLE(i) && !HAS(sign_unhold[i], tries[i]) ->
  revoke(i);
  if :: IS_COMPLETION(i) -> tried_epoch = g_epoch :: else fi;
  printf("- HR revokes register %d: REVOKING, SIGN_UNHOLD %d\n", i, UNLOCK_FENCE(tries[i]))
}

/* ================= answers: only to the fence that is waited for ================= */
#ifdef SIGNING_IGNORES_GRANTED
#define SIGN_GRANT_CAME(i) 0
#elif defined(SIGN_GRANTED_OF_ANY_TRY)
#define SIGN_GRANT_CAME(i) (sign_granted[i] != 0)
#else
#define SIGN_GRANT_CAME(i) HAS(sign_granted[i], tries[i])
#endif
inline take_sign_granted(i) {
  sign[i] == PENDING && SIGN_GRANT_CAME(i) ->
  sign[i] = SIGNED;
#ifdef COMPLETES_ON_GRANTED_ONLY
  if :: !IS_COMPLETION(i) && g_open && ALL_SIGNED && sign[C] == NONE -> tried_epoch = g_epoch; ask_for_hold(C, 0, 0) :: else fi;
#else
  if :: IS_COMPLETION(i) :: else -> tried_epoch = 0 fi;       /* an earlier completion was without this signature */
#endif
  printf("- signing takes the grant of register %d: SIGNED\n", i)
}
inline take_sign_rejected(i) {
  sign[i] == PENDING && HAS(sign_rejected[i], tries[i]) ->
  sign[i] = NONE; printf("- signing takes the rejection of register %d\n", i)
}
inline take_sign_freed(i) {
  sign[i] == REVOKING && HAS(sign_freed[i], tries[i]) ->
  sign[i] = NONE; printf("- signing takes the freeing of register %d\n", i)
}

#define BY_HR 1
/* ================= completion: whenever its condition holds and it was not tried in the known epoch ================= */
#if COMPLETES
inline complete_by_itself() {
  g_open && !g_closed && ALL_SIGNED && sign[C] == NONE && tried_epoch < g_epoch ->
  tried_epoch = g_epoch; ask_for_hold(C, 0, 0); printf("- all have signed: COMPLETING, SIGN_HOLD %d\n", LOCK_FENCE(tries[C]))
}
inline complete_by_hr() {
  acting && g_open && !g_closed && sign[C] == NONE && tries[C] < COMPLETIONS - 1 ->
  tried_epoch = g_epoch; ask_for_hold(C, 0, BY_HR); printf("- HR completes: COMPLETING, SIGN_HOLD %d\n", LOCK_FENCE(tries[C]))
}
#endif

/* ================= facts of packets ================= */
inline know_unreleased(e) {
  if :: (e) > g_epoch || ((e) == g_epoch && g_open) -> g_epoch = e; g_lock = 0; g_open = 0 :: else fi
}
#define UNRELEASE_IS_NEWS(e) ((e) > g_epoch || ((e) == g_epoch && g_open))
/* A wish to revoke binds every signature whose epoch is not above the fact's, whatever signing knows by now. */
#ifdef WISH_SKIPS_PENDING
#define BINDABLE(i) (sign[i] == SIGNED)
#elif defined(WISH_SKIPS_COMPLETION)
#define BINDABLE(i) (!IS_COMPLETION(i) && (sign[i] == PENDING || sign[i] == SIGNED))
#else
#define BINDABLE(i) REVOCABLE(i)
#endif
#ifdef WISH_BINDS_KNOWN_EPOCH_ONLY
#define WISH_BINDS(i, e) (BINDABLE(i) && SIGNED_EPOCH(i) <= (e) && g_epoch <= (e))
#else
#define WISH_BINDS(i, e) (BINDABLE(i) && SIGNED_EPOCH(i) <= (e))
#endif
#define WISH_BINDS_ANY(e) (WISH_BINDS(E, e) || WISH_BINDS(M, e) || WISH_BINDS(C, e))
inline wish(i, e)   { if :: WISH_BINDS(i, e) -> revoke(i) :: else fi }
inline wish_all(e) {
  wish(E, e);
#if SIGNERS > 1
  wish(M, e);
#endif
#if COMPLETES
  wish(C, e)
#else
  skip
#endif
}
inline learn_released(a) {
  HAS(told_released, a) && lock_epoch[a] > g_epoch ->
  g_epoch = lock_epoch[a]; g_lock = a; g_open = 1; printf("- signing learns of the release, epoch %d\n", g_epoch)
}
inline learn_unreleased(e) {
  HAS(told_unreleased, e) && (UNRELEASE_IS_NEWS(e) || (HAS(told_revoke, e) && WISH_BINDS_ANY(e))) ->
  know_unreleased(e);
  if :: HAS(told_revoke, e) -> wish_all(e) :: else fi;
  printf("- signing learns of the unrelease, epoch %d\n", e)
}

/* ================= facts of assessment ================= */
inline learn_shared()       { g_version < s_version -> g_version++; g_self = SHARED; printf("- signing learns of self version %d\n", g_version) }
inline learn_self()         { g_version == s_version && g_self != s_state -> g_self = s_state; printf("- signing learns of the self side\n") }
inline learn_new_manager()  { g_manager != manager -> g_manager = manager; printf("- signing learns of the new manager\n") }
inline learn_cycle_closed() { g_closed != closed -> g_closed = 1; printf("- signing learns that the cycle is closed\n") }
