/* Takes out of the state what can change nothing any more, after every step: the same future, fewer states. Exact for
   the protocol as it is; mistakes that listen to what is out of date are run with -DKEEP_ALL, and so is one whole
   configuration, to show that nothing depends on it. */

#ifdef KEEP_ALL
inline tidy() { skip }
#else
#define UP_TO(k) ((1 << ((k) + 1)) - 1)
#define IN_SIGN_HOLD(i, a) ((HAS(sign_hold[i], 1) && hold_lock[OF(i, 1)] == (a)) || (HAS(sign_hold[i], 2) && hold_lock[OF(i, 2)] == (a)) \
  || (HAS(sign_hold[i], 3) && hold_lock[OF(i, 3)] == (a)))
#define SIGNED_OVER(i, a)  (sign[i] != NONE && SIGNED_LOCK(i) == (a))
#define NAMED(a) (HAS(lock, a) || HAS(told_released, a) || attempt == (a) || g_lock == (a) || SIGNED_OVER(E, a) || SIGNED_OVER(M, a) \
  || SIGNED_OVER(C, a) || IN_SIGN_HOLD(E, a) || IN_SIGN_HOLD(M, a) || IN_SIGN_HOLD(C, a))
inline tidy_register(i) {
  /* Commands that are not above the register's fence, answers that nobody waits for, what ended attempts were over. */
  if :: fence[i] >= 2 -> sign_hold[i] = sign_hold[i] & ~UP_TO(fence[i] / 2); :: else fi;
  if :: fence[i] >= 3 -> sign_unhold[i] = sign_unhold[i] & ~UP_TO((fence[i] - 1) / 2) :: else fi;
  if :: sign[i] != PENDING  -> sign_granted[i] = 0; sign_rejected[i] = 0 :: else fi;
  if :: sign[i] != REVOKING -> sign_freed[i] = 0 :: else fi;
  for (n : 1 .. TRIES-1) {
    if
    :: !HAS(sign_hold[i], n) && (tries[i] != n || sign[i] == NONE) -> hold_lock[OF(i, n)] = 0; hold_self[OF(i, n)] = 0; hold_by[OF(i, n)] = 0
    :: else
    fi
  }
}
#define UNDER_WISH(i) (REVOCABLE(i) && SIGNED_EPOCH(i) <= wished_epoch)
inline tidy() {
  if :: fence[R] >= 2 -> lock = lock & ~UP_TO(fence[R] / 2) :: else fi;
  if :: fence[R] >= 3 -> unlock = unlock & ~UP_TO((fence[R] - 1) / 2) :: else fi;
  granted  = (state == RELEASING -> granted & (1 << epoch) : 0);
  rejected = (state == RELEASING -> rejected & (1 << epoch) : 0);
  freed    = (state == UNRELEASING -> freed & (1 << epoch) : 0);
#if !MAILS
  told_released = told_released & ~UP_TO(g_epoch);
#endif
  told_unreleased = told_unreleased & (~UP_TO(g_epoch - g_open) | told_revoke);
  told_submitted = told_submitted & ~UP_TO(p_version);
  told_reopened = told_reopened & ~UP_TO(p_version - p_submitted);
  hidden_epoch = (hidden_epoch == epoch -> hidden_epoch : 0);
  for (r : 1 .. REGISTERS-1) { tidy_register(r) }
  for (n : 1 .. EPOCHS) {
    /* A wish whose unrelease is known binds nothing any more once nothing that it could bind is left. */
    if :: HAS(told_revoke, n) && !UNRELEASE_IS_NEWS(n) && !WISH_BINDS_ANY(n) -> TAKE(told_revoke, n); TAKE(told_unreleased, n) :: else fi;
    if :: !NAMED(n) -> lock_epoch[n] = 0; lock_version[n] = 0; lock_hash[n] = 0 :: else fi;
    if :: !HAS(lock, n) && attempt != n -> lock_by[n] = 0 :: else fi
  }
  if
  :: wished_epoch && !HAS(told_revoke, wished_epoch) && !UNDER_WISH(E) && !UNDER_WISH(M) && !UNDER_WISH(C) -> wished_epoch = 0; revoked_epoch = 0
  :: else
  fi
}
#endif
