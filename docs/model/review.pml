/* One review: release, lock and signature across services. README.md beside this file says how to read and run it. */

#include "bounds.pml"
#include "words.pml"
#include "promises.pml"
#include "network.pml"
#include "people.pml"
#include "assessment.pml"
#include "packets.pml"
#include "signing.pml"
#include "upkeep.pml"
#include "mail.pml"
#include "properties.pml"
#include "tidy.pml"

/* A step is taken as a whole, with its messages. Each kind stands on a line of its own below: the runner tells from it
   which kinds were never taken. */
#define STEP(step) :: d_step { step } ; skip

#if EPOCHS == 1
#define FOR_ATTEMPTS(step) STEP(step(1))
#elif EPOCHS == 2
#define FOR_ATTEMPTS(step) STEP(step(1)) STEP(step(2))
#else
#define FOR_ATTEMPTS(step) STEP(step(1)) STEP(step(2)) STEP(step(3))
#endif
#if RESTORES
#define FOR_EPOCHS(step) STEP(step(0)) STEP(step(1)) STEP(step(2)) STEP(step(3)) STEP(step(4)) STEP(step(5)) STEP(step(6)) \
                         STEP(step(7)) STEP(step(8)) STEP(step(9)) STEP(step(10))
#else
#define FOR_EPOCHS(step) FOR_ATTEMPTS(step)
#endif
#if SIGNERS > 1 && COMPLETES
#define FOR_REGISTERS(step) STEP(step(E)) STEP(step(M)) STEP(step(C))
#define FOR_TRIES(step)     TRIES_OF(step, E) TRIES_OF(step, M) TRIES_OF(step, C)
#elif SIGNERS > 1
#define FOR_REGISTERS(step) STEP(step(E)) STEP(step(M))
#define FOR_TRIES(step)     TRIES_OF(step, E) TRIES_OF(step, M)
#elif COMPLETES
#define FOR_REGISTERS(step) STEP(step(E)) STEP(step(C))
#define FOR_TRIES(step)     TRIES_OF(step, E) TRIES_OF(step, C)
#else
#define FOR_REGISTERS(step) STEP(step(E))
#define FOR_TRIES(step)     TRIES_OF(step, E)
#endif
#if SIGNING_RESTORES
#define TRIES_OF(step, i)   STEP(step(i, 1)) STEP(step(i, 2)) STEP(step(i, 3)) STEP(step(i, 4)) STEP(step(i, 5)) STEP(step(i, 6)) STEP(step(i, 7))
#else
#define TRIES_OF(step, i)   STEP(step(i, 1)) STEP(step(i, 2)) STEP(step(i, 3))
#endif
#if SIGNERS > 1
#define FOR_SIGNERS(step)   STEP(step(E)) STEP(step(M))
#else
#define FOR_SIGNERS(step)   STEP(step(E))
#endif
#define FOR_POSTMEN(step)   STEP(step(0)) STEP(step(1))
#define POSTMAN_0(e)        decide_mail(0, e)
#define POSTMAN_1(e)        decide_mail(1, e)

init {
  d_step { for (r : 0 .. REGISTERS-1) { sign[r] = NONE } r = 0 }
  do
  :: atomic {
     if
     /* ---- people ---- */
     STEP(stop())
     STEP(release_by_hr())
     STEP(unrelease())
     STEP(unrelease_and_revoke())
#if VERSIONS > 1
     STEP(edit())
#endif
#if REOPENINGS
     STEP(reopen())
     STEP(submit())
#endif
#if REASSIGNMENTS
     STEP(reassign())
#endif
#if SENDINGS
     STEP(send_to_manager())
     STEP(release_by_manager())
     STEP(take_back())
#endif
#if RATINGS
     STEP(change_rating())
#endif
#if CALIBRATIONS
     STEP(confirm_calibration())
     STEP(override_calibration())
#endif
#if SELECTIONS
     STEP(change_selection(0)) STEP(change_selection(1)) STEP(change_selection(EMPTY_SELECTION))
#endif
#if SIGNATURES
     FOR_SIGNERS(sign_review)
     FOR_REGISTERS(revoke_by_hr)
#endif
#if COMPLETIONS > 1
     STEP(complete_by_hr())
#endif
#if SELF_VERSIONS > BEGINS_SHARED
     STEP(share())
#endif
#if UNSHARINGS
     STEP(unshare())
#endif
#if WAIVERS
     STEP(waive())
     STEP(unwaive())
#endif
#if CLOSINGS
     STEP(close())
#endif
#if CANCELLATIONS
     STEP(cancel())
#endif

     /* ---- assessment ---- */
     FOR_ATTEMPTS(take_lock)
     FOR_EPOCHS(take_unlock)
#if SIGNATURES
     FOR_TRIES(take_sign_hold)
     FOR_TRIES(take_sign_unhold)
#endif

     /* ---- packets ---- */
#ifndef PACKETS_IGNORES_GRANTED
     STEP(take_granted())
#endif
#ifndef PACKETS_IGNORES_REJECTED
     STEP(take_rejected())
#endif
#ifndef PACKETS_IGNORES_FREED
     STEP(take_freed())
#endif
#if VERSIONS > 2
     STEP(learn_version(2)) STEP(learn_version(3))
#elif VERSIONS > 1
     STEP(learn_version(2))
#endif
#if REOPENINGS
     STEP(learn_reopened())
#endif
#if REASSIGNMENTS
     STEP(learn_manager())
#endif
#if CLOSINGS
     STEP(learn_closed())
#endif
#if CANCELLATIONS
     STEP(learn_cancelled())
#endif
#if SELECTIONS
     STEP(rebind())
#endif

     /* ---- signing ---- */
     FOR_ATTEMPTS(learn_released)
     FOR_EPOCHS(learn_unreleased)
#if SIGNATURES
     FOR_REGISTERS(take_sign_granted)
#ifndef SIGNING_IGNORES_REJECTED
     FOR_REGISTERS(take_sign_rejected)
#endif
#ifndef SIGNING_IGNORES_FREED
     FOR_REGISTERS(take_sign_freed)
#endif
#endif
#if COMPLETES && !defined(COMPLETES_ON_GRANTED_ONLY)
     STEP(complete_by_itself())
#endif
#if SELF_VERSIONS > BEGINS_SHARED
     STEP(learn_shared())
#endif
#if UNSHARINGS || WAIVERS
     STEP(learn_self())
#endif
#if REASSIGNMENTS && SIGNERS > 1
     STEP(learn_new_manager())
#endif
#if CLOSINGS
     STEP(learn_cycle_closed())
#endif

     /* ---- upkeep ---- */
#if FORGETTING == 1
     STEP(forget_everything())
#elif FORGETTING
     STEP(forget_topic_of_commands())
     STEP(forget_topic_of_answers())
     STEP(forget_topic_of_facts())
#endif
#if FORGETTING
#ifndef NO_RECONCILER
     STEP(resend_lock())
     STEP(resend_unlock())
#if SIGNATURES
     FOR_REGISTERS(resend_sign_hold)
     FOR_REGISTERS(resend_sign_unhold)
#endif
#endif
#ifndef REPEATS_STAY_UNANSWERED
     FOR_ATTEMPTS(repeat_lock)
     FOR_EPOCHS(repeat_unlock)
#if SIGNATURES
     FOR_TRIES(repeat_sign_hold)
     FOR_TRIES(repeat_sign_unhold)
#endif
#endif
#ifndef NO_PROJECTION_SWEEP
     STEP(compare_projection())
#endif
#ifndef NO_FACT_SWEEP
     STEP(compare_packet())
#endif
#endif
#if SWEEPS
     STEP(sweep_reads_first())
     STEP(sweep_reads_second())
     STEP(sweep_acts())
#endif
#if RESTORES
     STEP(back_up())
     STEP(restore())
     STEP(leave_quarantine())
#endif
#if SIGNING_RESTORES
     STEP(back_up_signing())
     STEP(restore_signing())
#endif

     /* ---- notifications ---- */
#if MAILS
     FOR_ATTEMPTS(call_for_mail)
     FOR_ATTEMPTS(POSTMAN_0) FOR_ATTEMPTS(POSTMAN_1)
     FOR_POSTMEN(begin_mail)
     FOR_POSTMEN(hand_over)
     FOR_POSTMEN(note_sent)
     FOR_POSTMEN(try_later)
     FOR_POSTMEN(crash_postman)
     FOR_ATTEMPTS(find_begun)
#endif
     fi;
     d_step { check(); tidy(); r = 0; n = 0 }
  }
  :: timeout -> break
  od;
  check_rest()
}
