/* packets: one row per review, with its projection of assessment, the calibrated rating and the shared questions. */

mtype state = READY; byte epoch; byte attempt;               /* attempt: number of the LOCK that the row waits for or shows */
byte attempts;                                               /* ever made: numbers the LOCKs */
bit sent;                                                    /* it was with the manager when its release was asked for */
byte p_version = 1; bit p_submitted = 1, p_manager, p_closed, p_cancelled;     /* known of assessment */
bit rating;
mtype = { CALIBRATED, STALE };
mtype calibration = CALIBRATED; bit overridden;
byte calibrated_version = 1;                                 /* watched: the newest version that was calibrated, or overridden */
byte cycle_selection, selection;                             /* the cycle's newest, and the one the packet is bound to */
#define EMPTY_SELECTION 2
byte hidden_epoch;                                           /* watched: the newest epoch whose unrelease was acknowledged */
byte revoked_epoch;                                          /* the newest epoch unreleased with the wish to revoke signatures */
byte wished_epoch;                                           /* watched: the same, whatever becomes of the row */
#ifdef REJECTED_RESTORES_ORIGIN
mtype origin;
#endif

/* ================= what a packet is made of ================= */
#define CALIBRATION_OK (calibration == CALIBRATED || overridden)
#define SHOWN_RATING   (calibration == CALIBRATED -> rating : 2)       /* overridden: the manager's own is final */
#define SNAPSHOT       HASH(p_version, SHOWN_RATING, selection)
#define IS_READY       (p_submitted && !p_cancelled && CALIBRATION_OK && selection != EMPTY_SELECTION)
#define FROZEN         (state == RELEASING || state == RELEASED || state == UNRELEASING)

inline bind() { selection = cycle_selection }
inline recompute() {
  if
  :: FROZEN
  :: else -> bind(); state = (IS_READY -> (state == WITH_MANAGER -> WITH_MANAGER : READY) : NONE)
  fi
}
#ifdef CONTENT_CHANGE_KEEPS_CALIBRATION
#define BECOMES_STALE 0
#else
#define BECOMES_STALE (CALIBRATIONS > 0)
#endif
inline mark_stale() {
  overridden = 0;
  if :: BECOMES_STALE -> calibration = STALE :: else fi
}

/* ================= coming back: never to a state that was stored ================= */
inline come_back(to_manager) {
#ifdef REJECTED_RESTORES_ORIGIN
  state = origin;
#elif defined(COMES_BACK_READY)
  state = (to_manager -> WITH_MANAGER : READY);
#else
  bind();
  state = (IS_READY -> (to_manager -> WITH_MANAGER : READY) : NONE);
#endif
  sent = 0; attempt = 0
}

/* ================= release ================= */
inline ask_for_lock(by) {
#ifdef REJECTED_RESTORES_ORIGIN
  origin = state;
#endif
  sent = (state == WITH_MANAGER);
  attempts++; attempt = attempts; epoch++;
  lock_epoch[attempt] = epoch; lock_version[attempt] = p_version; lock_hash[attempt] = SNAPSHOT; lock_by[attempt] = by;
  PUT(lock, attempt);
#ifdef SHOWS_BEFORE_GRANTED
  state = RELEASED
#else
  state = RELEASING
#endif
}
#ifdef RELEASES_WHILE_UNRELEASING
#define RELEASABLE (state == READY || state == WITH_MANAGER || (state == UNRELEASING && IS_READY))
#else
#define RELEASABLE (state == READY || state == WITH_MANAGER)
#endif
#define MAY_RELEASE (acting && IN_SERVICE && attempts < EPOCHS && !p_closed)
inline release_by_hr() {
  MAY_RELEASE && RELEASABLE ->
  ask_for_lock(0); printf("- HR releases: RELEASING, LOCK %d\n", LOCK_FENCE(epoch))
}
inline release_by_manager() {
  MAY_RELEASE && state == WITH_MANAGER ->
  ask_for_lock(1 + p_manager); printf("- manager %d releases: RELEASING, LOCK %d\n", p_manager, LOCK_FENCE(epoch))
}
inline send_to_manager() {
  acting && IN_SERVICE && !p_closed && state == READY && sendings < SENDINGS ->
  sendings++; state = WITH_MANAGER; printf("- HR sends the packet to the manager\n")
}

/* ================= unrelease: hidden in the request's own transaction, unlocked afterwards ================= */
inline hide() {
  PUT(told_unreleased, epoch);
#ifdef UNLOCKS_BEFORE_HIDING
  PUT(unlock, epoch);
  if :: state == RELEASING -> state = UNRELEASING :: else fi;
#elif defined(UNRELEASE_IN_FLIGHT_ONLY_FORGETS)
  if :: state == RELEASING -> come_back(0) :: else -> PUT(unlock, epoch); state = UNRELEASING; attempt = 0 fi;
  hidden_epoch = epoch;
#else
  PUT(unlock, epoch);
  state = UNRELEASING; attempt = 0; hidden_epoch = epoch;
#endif
  sent = 0
}
inline unrelease() {
  acting && IN_SERVICE && (state == RELEASED || state == RELEASING) ->
  hide(); printf("- HR unreleases: UNRELEASING, UNLOCK %d\n", UNLOCK_FENCE(epoch))
}
inline unrelease_and_revoke() {
  acting && IN_SERVICE && (state == RELEASED || state == RELEASING) ->
  hide(); PUT(told_revoke, epoch); revoked_epoch = epoch; wished_epoch = epoch;
  printf("- HR unreleases and revokes signatures: UNRELEASING, UNLOCK %d\n", UNLOCK_FENCE(epoch))
}
inline take_back() {
  acting && IN_SERVICE && state == WITH_MANAGER -> state = READY; printf("- HR takes the packet back from the manager\n")
}

/* ================= what is shown: changed before a release only ================= */
#ifdef CHANGES_WHILE_RELEASING
#define MAY_CHANGE (state != RELEASED && state != UNRELEASING)
#else
#define MAY_CHANGE (!FROZEN)
#endif
inline change_rating() {
  acting && IN_SERVICE && p_submitted && MAY_CHANGE && calibration == CALIBRATED && ratings < RATINGS ->
  ratings++; rating = 1 - rating; recompute(); printf("- HR changes the rating\n")
}
inline confirm_calibration() {
  acting && IN_SERVICE && p_submitted && MAY_CHANGE && calibration == STALE && calibrations < CALIBRATIONS ->
  calibrations++; calibration = CALIBRATED; overridden = 0; calibrated_version = p_version; recompute();
  printf("- the calibrators confirm\n")
}
inline override_calibration() {
  acting && IN_SERVICE && p_submitted && MAY_CHANGE && calibration == STALE && !overridden && calibrations < CALIBRATIONS ->
  calibrations++; overridden = 1; calibrated_version = p_version; recompute(); printf("- HR overrides the calibration\n")
}
inline change_selection(s) {
  acting && cycle_selection != s && selections < SELECTIONS ->
  selections++; cycle_selection = s; printf("- HR shares selection %d of the questions\n", s)
}
#ifdef REBINDS_WHILE_RELEASED
#define MAY_REBIND (state != UNRELEASING)
#elif defined(REBINDS_WHILE_RELEASING)
#define MAY_REBIND (state != RELEASED && state != UNRELEASING)
#else
#define MAY_REBIND (!FROZEN)
#endif
inline rebind() {
  IN_SERVICE && selection != cycle_selection && MAY_REBIND ->
  bind(); recompute(); printf("- packets binds the packet to selection %d\n", selection)
}

/* ================= answers: only to the fence that is waited for ================= */
#ifdef GRANTED_OF_ANY_EPOCH
#define GRANT_CAME (granted != 0)
#else
#define GRANT_CAME HAS(granted, epoch)
#endif
inline take_granted() {
  IN_SERVICE && state == RELEASING && GRANT_CAME ->
  state = RELEASED; sent = 0; PUT(told_released, attempt); printf("- packets takes the grant: RELEASED, epoch %d\n", epoch)
}
inline take_rejected() {
  IN_SERVICE && state == RELEASING && HAS(rejected, epoch) ->
  come_back(sent); printf("- packets takes the rejection of epoch %d\n", epoch)
}
#ifdef UNLOCKS_BEFORE_HIDING
#define UNLOCKING (state == UNRELEASING || state == RELEASED)
#else
#define UNLOCKING (state == UNRELEASING)
#endif
#ifdef FREED_OF_ANY_EPOCH
#define FREED_CAME (freed != 0)
#else
#define FREED_CAME HAS(freed, epoch)
#endif
inline take_freed() {
  IN_SERVICE && UNLOCKING && FREED_CAME ->
  come_back(0); printf("- packets takes the freeing of epoch %d\n", epoch)
}

/* ================= facts of assessment: in every state; one that is missed is made up for by the next ================= */
inline learn_version(v) {
  IN_SERVICE && HAS(told_submitted, v) && v > p_version ->
  p_version = v; p_submitted = 1; mark_stale(); recompute(); printf("- packets learns of version %d\n", p_version)
}
inline learn_reopened() {
  IN_SERVICE && p_submitted && HAS(told_reopened, p_version) ->
  p_submitted = 0; mark_stale(); recompute(); printf("- packets learns that it was reopened\n")
}
inline learn_manager() {
  IN_SERVICE && told_reassigned && !p_manager -> p_manager = 1; printf("- packets learns of the new manager\n")
}
inline learn_closed() {
  IN_SERVICE && told_closed && !p_closed -> p_closed = 1; printf("- packets learns that the cycle is closed\n")
}
inline learn_cancelled() {
  IN_SERVICE && told_cancelled && !p_cancelled ->
  p_cancelled = 1; recompute(); printf("- packets learns that the review is cancelled\n")
}
