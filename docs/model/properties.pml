/* The promises, checked: after every step, and when nothing is left to do. Their names stand in promises.pml. */

/* To see what else a mistake breaks: all but the fences, nothing but what people are shown and sign, or what comes to rest. */
#if defined(UNWATCHED_S6) || defined(ONLY_SHOWN)
#define FENCES_UNWATCHED 1
#else
#define FENCES_UNWATCHED 0
#endif
#ifdef ONLY_SHOWN
#define REST_UNWATCHED 1
#else
#define REST_UNWATCHED 0
#endif

/* ---- S1, S2, S5: what the employee can read ---- */
inline check_what_is_shown() {
  if
  :: VISIBLE ->
     MUST(S1_held,       held[R] && RELEASE_EPOCH == epoch && held_hash[R] == lock_hash[attempt]);
     MUST(S2_version,    lock_version[attempt] == m_version && m_submitted);
     MUST(S2_content,    lock_hash[attempt] == HASH(m_version, SHOWN_RATING, selection));
     MUST(S2_manager,    lock_by[attempt] == 0 || lock_by[attempt] == 1 + manager);
     MUST(S2_calibrated, calibrated_version == m_version || CALIBRATIONS == 0);
     MUST(S2_cancelled,  !cancelled);
     MUST(S5_hidden,     epoch > hidden_epoch)
  :: else
  fi
}

/* ---- S3: what a signature covers ---- */
inline check_signature(i) {
  if
  :: sign[i] == SIGNED ->
     MUST(S3_held,   held[i] && fence[i] == LOCK_FENCE(tries[i]) && held_hash[i] == lock_hash[SIGNED_LOCK(i)]);
     MUST(S3_covers, lock_version[SIGNED_LOCK(i)] == m_version && m_submitted && (IS_COMPLETION(i) ||
                     (s_state == SHARED && hold_self[OF(i, tries[i])] == s_version) ||
                     (s_state == WAIVED && hold_self[OF(i, tries[i])] == 0)));
     MUST(S3_same,   !VISIBLE || lock_hash[attempt] == lock_hash[SIGNED_LOCK(i)]);
     MUST(S3_signer, IS_COMPLETION(i) || hold_by[OF(i, tries[i])] == 0 || hold_by[OF(i, tries[i])] == 1 + manager)
  :: else
  fi;
  MUST(S6_waits, FENCES_UNWATCHED || ((sign[i] != PENDING || fence[i] <= LOCK_FENCE(tries[i])) && (sign[i] != REVOKING || fence[i] <= UNLOCK_FENCE(tries[i]))))
}
#if COMPLETES
#define BY_ITSELF (sign[C] == SIGNED && hold_by[OF(C, tries[C])] != BY_HR)
#endif

#ifdef ONLY_REST
inline check() { skip }
#else
inline check() {
  check_what_is_shown();
  if
  :: quarantined
  :: else ->
     /* Nobody is locked out for nothing, and nobody waits for an answer that is `superseded`. */
     MUST(S4_orphan, !held[R] || FROZEN || REST_UNWATCHED);
     MUST(S6_waits,  FENCES_UNWATCHED || ((state != RELEASING || fence[R] <= LOCK_FENCE(epoch)) && (state != UNRELEASING || fence[R] <= UNLOCK_FENCE(epoch))))
  fi;
  check_signature(E);
#if SIGNERS > 1
  check_signature(M);
#endif
#if COMPLETES
  check_signature(C);
  MUST(S3_completed, !BY_ITSELF || (IS_SIGNED(E) && IS_SIGNED(M)))
#else
  skip
#endif
}

#endif

/* ---- at rest: nothing is under way, people have stopped or have nothing left that they could do ---- */
#define SETTLED(i)  (sign[i] == NONE || sign[i] == SIGNED || sign[i] == LOST)     /* LOST waits for HR */
#define MATCHES(i)  ((sign[i] == SIGNED || sign[i] == LOST) == held[i])
#define HEEDS(i)    (sign[i] != SIGNED || SIGNED_EPOCH(i) > wished_epoch)
#ifdef ONLY_SHOWN
inline check_rest() { skip }
#else
inline check_rest() {
  MUST(L1_releasing,   state != RELEASING);
  MUST(L2_unreleasing, state != UNRELEASING);
  MUST(L3_signatures,  EACH(SETTLED));
  MUST(L4_release,     (state == RELEASED) == held[R]);
  MUST(L4_signatures,  EACH(MATCHES));
  MUST(L5_ready,       FROZEN || (state != NONE) == (m_submitted && !cancelled && CALIBRATION_OK && cycle_selection != EMPTY_SELECTION));
  MUST(L6_wish,        EACH(HEEDS));
#if COMPLETES
  MUST(L7_complete,    closed || !ALL_SIGNED || state != RELEASED || sign[C] != NONE || tried_epoch == epoch);
#endif
#if MAILS
  MUST(L8_mail,        state != RELEASED || mail[epoch] == DELIVERED || mail[epoch] == GIVEN_UP)
#else
  skip
#endif
}
#endif
