/* Staying alive: the reconciler, stored answers given again, facts compared with rows, the audit sweep, the quarantine
   after a restore. Each is there only where its trouble is: a message that is not lost needs no reconciler. */

/* ================= reconciler: the same command, the same fence ================= */
#if FORGETTING
inline resend_lock() {
  state == RELEASING && !HAS(lock, attempt) ->
  PUT(lock, attempt); printf("- the reconciler sends LOCK %d again\n", LOCK_FENCE(epoch))
}
inline resend_unlock() {
  state == UNRELEASING && !HAS(unlock, epoch) ->
  PUT(unlock, epoch); printf("- the reconciler sends UNLOCK %d again\n", UNLOCK_FENCE(epoch))
}
inline resend_sign_hold(i) {
  sign[i] == PENDING && !HAS(sign_hold[i], tries[i]) ->
  PUT(sign_hold[i], tries[i]); printf("- the reconciler sends SIGN_HOLD of register %d again\n", i)
}
inline resend_sign_unhold(i) {
  sign[i] == REVOKING && !HAS(sign_unhold[i], tries[i]) ->
  PUT(sign_unhold[i], tries[i]); printf("- the reconciler sends SIGN_UNHOLD of register %d again\n", i)
}

/* ================= a repeat gets the stored answer: held means granted, an even fence rejected, an odd one freed ======= */
inline repeat_lock(a) {
  HAS(lock, a) && LOCK_FENCE(lock_epoch[a]) == fence[R] && !HAS(granted, lock_epoch[a]) && !HAS(rejected, lock_epoch[a]) ->
  if :: held[R] -> PUT(granted, lock_epoch[a]) :: else -> PUT(rejected, lock_epoch[a]) fi;
  printf("- assessment answers LOCK %d again\n", fence[R])
}
inline repeat_unlock(e) {
  HAS(unlock, e) && UNLOCK_FENCE(e) == fence[R] && !HAS(freed, e) -> PUT(freed, e); printf("- assessment answers UNLOCK %d again\n", fence[R])
}
inline repeat_sign_hold(i, k) {
  HAS(sign_hold[i], k) && LOCK_FENCE(k) == fence[i] && !HAS(sign_granted[i], k) && !HAS(sign_rejected[i], k) ->
  if :: held[i] -> PUT(sign_granted[i], k) :: else -> PUT(sign_rejected[i], k) fi;
  printf("- assessment answers SIGN_HOLD %d of register %d again\n", fence[i], i)
}
inline repeat_sign_unhold(i, k) {
  HAS(sign_unhold[i], k) && UNLOCK_FENCE(k) == fence[i] && !HAS(sign_freed[i], k) ->
  PUT(sign_freed[i], k); printf("- assessment answers SIGN_UNHOLD %d of register %d again\n", fence[i], i)
}

/* ================= facts against rows ================= */
#define P_BEHIND ((m_submitted && p_version < m_version) || p_submitted != m_submitted || p_manager != manager || \
                  p_closed != closed || p_cancelled != cancelled)
inline compare_projection() {       /* packets with assessment's rows */
  IN_SERVICE && P_BEHIND ->
  if :: p_version < m_version || p_submitted != m_submitted -> mark_stale() :: else fi;
  if :: m_submitted -> p_version = m_version :: else fi;
  p_submitted = m_submitted; p_manager = manager; p_closed = closed; p_cancelled = cancelled; recompute();
  printf("- packets compares itself with assessment's row\n")
}
#define OVER_EPOCH (state == RELEASING -> epoch - 1 : epoch)            /* an attempt in flight has released nothing yet */
inline compare_packet() {           /* signing with packets' rows: state, epoch, newest epoch unreleased with revoke */
  (state == RELEASED && epoch > g_epoch) || (state != RELEASED && UNRELEASE_IS_NEWS(OVER_EPOCH)) || WISH_BINDS_ANY(revoked_epoch) ->
  if
  :: state == RELEASED && epoch > g_epoch -> g_epoch = epoch; g_lock = attempt; g_open = 1
  :: state != RELEASED -> n = OVER_EPOCH; know_unreleased(n)      /* Spin mistakes a sum after an arrow in an argument */
  :: else
  fi;
  wish_all(revoked_epoch);
  printf("- signing compares itself with packets' row\n")
}
#endif

/* ================= audit sweep: the own row first, then the register; only if the row has not moved ================= */
#if SWEEPS
byte sweeps; bit sweeping, saw_register; byte saw_fence; bit saw_held; mtype saw_state; byte saw_epoch;
inline see_row()      { saw_state = state; saw_epoch = epoch }
inline see_register() { saw_fence = fence[R]; saw_held = held[R] }
inline forget_sight() { sweeping = 0; saw_register = 0; saw_fence = 0; saw_held = 0; saw_state = 0; saw_epoch = 0 }
#define ROW_UNMOVED (state == saw_state && epoch == saw_epoch)
#define ORPHAN      (saw_held && (state == NONE || state == READY || state == WITH_MANAGER))
inline sweep_reads_first() {
  IN_SERVICE && !sweeping && sweeps < SWEEPS -> sweeps++; sweeping = 1;
#ifdef SWEEP_READS_REGISTER_FIRST
  see_register();
#else
  see_row();
#endif
  printf("- the sweep reads\n")
}
inline sweep_reads_second() {
  sweeping && !saw_register -> saw_register = 1;
#ifdef SWEEP_READS_REGISTER_FIRST
  see_row();
#else
  see_register();
#endif
  printf("- the sweep reads the other side\n")
}
inline sweep_acts() {
  sweeping && saw_register ->
  if
#ifdef SWEEP_FREES_WHATEVER_IS_HELD
  :: saw_held -> PUT(unlock, saw_fence / 2); printf("- the sweep sends UNLOCK %d\n", saw_fence + 1)
#elif defined(SWEEP_IGNORES_MOVED_ROWS) || defined(SWEEP_LOWERS_EPOCH)
  :: saw_held && saw_state != RELEASING && saw_state != RELEASED -> repair()
#else
  :: IN_SERVICE && ROW_UNMOVED && ORPHAN -> repair()
#endif
  :: else -> printf("- the sweep finds nothing\n")
  fi;
  forget_sight()
}
inline repair() {
  printf("- the sweep repairs: UNRELEASING\n");
#ifdef SWEEP_LOWERS_EPOCH
  epoch = saw_fence / 2;
#else
  MUST(S4_sweep, RESTORES);
  epoch = (epoch > saw_fence / 2 -> epoch : saw_fence / 2);
#endif
  hide()
}
#endif

/* ================= packets restored from a backup ================= */
#if RESTORES
byte backup; bit quarantined;
mtype b_state; byte b_epoch, b_attempt, b_version, b_revoked; bit b_sent, b_submitted, b_manager, b_rating;
#define NEWEST_EPOCH (epoch > fence[R] / 2 -> epoch : fence[R] / 2)
inline back_up() {
  backup == 0 -> backup = 1;
  b_state = state; b_epoch = epoch; b_attempt = attempt; b_version = p_version; b_revoked = revoked_epoch;
  b_sent = sent; b_submitted = p_submitted; b_manager = p_manager; b_rating = rating;
  printf("- packets is backed up\n")
}
inline restore() {
  backup == 1 -> backup = 2; quarantined = 1;
  state = b_state; epoch = b_epoch; attempt = b_attempt; p_version = b_version; revoked_epoch = b_revoked;
  sent = b_sent; p_submitted = b_submitted; p_manager = b_manager; rating = b_rating;
  b_state = 0; b_epoch = 0; b_attempt = 0; b_version = 0; b_revoked = 0; b_sent = 0; b_submitted = 0; b_manager = 0; b_rating = 0;
  printf("- packets is restored: %d released before\n", state == RELEASED)
}
/* Every row, whatever it says, before anything else touches it: past what may be in flight, hidden, unlocked, told. */
inline leave_quarantine() {
  quarantined -> quarantined = 0;
  if
#ifdef QUARANTINE_KEEPS_RELEASED
  :: state == RELEASED && held[R] && fence[R] == LOCK_FENCE(epoch) && held_hash[R] == lock_hash[attempt] -> skip
#endif
#ifdef QUARANTINE_SKIPS_WHAT_IS_FREE
  :: !held[R] && (state == NONE || state == READY || state == WITH_MANAGER) -> epoch = NEWEST_EPOCH
#endif
#ifdef QUARANTINE_COMPARES_ONLY
  :: held[R] && state != RELEASED -> epoch = fence[R] / 2; hide()
  :: !held[R] || state == RELEASED -> skip
#elif defined(QUARANTINE_DOES_NOT_JUMP)
  :: else -> epoch = NEWEST_EPOCH; hide()
#else
  :: else -> epoch = NEWEST_EPOCH + JUMP; hide()
#endif
  fi;
  MUST(wide_enough, epoch + EPOCHS <= LAST_EPOCH);
  printf("- packets leaves the quarantine at epoch %d\n", epoch)
}
#endif

/* ================= signing restored from a backup ================= */
#if SIGNING_RESTORES
byte s_backup; mtype s_sign; byte s_tries, s_epoch, s_lock, s_tried; bit s_open, s_manager;
inline back_up_signing() {
  s_backup == 0 -> s_backup = 1;
  s_sign = sign[E]; s_tries = tries[E]; s_epoch = g_epoch; s_lock = g_lock; s_open = g_open; s_manager = g_manager; s_tried = tried_epoch;
  printf("- signing is backed up\n")
}
/* Assessment has read all commands that were sent before: what a signature that stays could be freed by. */
#ifdef SIGNING_RESTORED_BEFORE_COMMANDS_ARE_READ
#define CAUGHT_UP 1
#else
#define CAUGHT_UP ((sign_hold[E] >> (fence[E]/2 + 1)) == 0 && (sign_unhold[E] >> ((fence[E] + 1)/2)) == 0)
#endif
/* Every attempt number jumps. What waits asks again, what is signed stands only under its own hold, a hold that nobody
   knows of is a lost signature. One step: with all commands read the register does not move in between. */
inline restore_signing() {
  s_backup == 1 && CAUGHT_UP -> s_backup = 2;
  printf("- signing is restored\n");
  sign[E] = s_sign; tries[E] = s_tries; g_epoch = s_epoch; g_lock = s_lock; g_open = s_open; g_manager = s_manager; tried_epoch = s_tried;
  s_sign = 0; s_tries = 0; s_epoch = 0; s_lock = 0; s_open = 0; s_manager = 0; s_tried = 0;
#ifdef SIGNING_RESTORED_WITHOUT_JUMP
  floor[E] = (tries[E] > fence[E]/2 -> tries[E] : fence[E]/2);
#else
  floor[E] = (tries[E] > fence[E]/2 -> tries[E] : fence[E]/2) + JUMP;
#endif
  if
  :: sign[E] == PENDING ->
     n = tries[E]; tries[E] = floor[E] + 1; MUST(wide_enough, tries[E] < TRIES);
     hold_lock[OF(E, tries[E])] = hold_lock[OF(E, n)]; hold_self[OF(E, tries[E])] = hold_self[OF(E, n)]; hold_by[OF(E, tries[E])] = hold_by[OF(E, n)];
     PUT(sign_hold[E], tries[E])
  :: sign[E] == REVOKING && !(held[E] && fence[E] > UNLOCK_FENCE(tries[E])) -> tries[E] = floor[E]; PUT(sign_unhold[E], tries[E])
#ifdef SIGNING_RESTORED_IS_BELIEVED
  :: sign[E] == SIGNED -> skip
#else
  :: sign[E] == SIGNED && held[E] && fence[E] == LOCK_FENCE(tries[E]) -> skip
#endif
  :: sign[E] == SIGNED && !held[E] -> revoke(E)
  :: else -> if :: held[E] -> sign[E] = LOST; tries[E] = fence[E]/2 :: else fi
  fi
}
#endif
