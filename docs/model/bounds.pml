/* How much may happen in one run. Everything that people and the surroundings do has a budget, so that every run comes
   to rest; 0 leaves a feature out. A configuration overrides these with -D; the runner prints what it ran with. */

/* ---- people ---- */
#ifndef EPOCHS
#define EPOCHS 2           /* attempts to release the packet */
#endif
#ifndef VERSIONS
#define VERSIONS 2         /* manager-assessment; the texts of v and v+2 are the same, so with 3 a hash comes again */
#endif
#ifndef REOPENINGS
#define REOPENINGS 1       /* HR turns the manager-assessment into a draft: 0 or 1 */
#endif
#ifndef REASSIGNMENTS
#define REASSIGNMENTS 0    /* another manager of record: 0 or 1 */
#endif
#ifndef RATINGS
#define RATINGS 1          /* changes of the calibrated rating, back and forth between two values */
#endif
#ifndef CALIBRATIONS
#define CALIBRATIONS 0     /* confirmations and overrides; 0: a calibration never becomes stale */
#endif
#ifndef SELECTIONS
#define SELECTIONS 0       /* changes of the shared questions: two selections and the empty one */
#endif
#ifndef SENDINGS
#define SENDINGS 1         /* HR sends the packet to the manager */
#endif
#ifndef SIGNERS
#define SIGNERS 1          /* 1: the employee signs, 2: the manager as well */
#endif
#ifndef SIGNATURES
#define SIGNATURES 2       /* attempts per signer */
#endif
#ifndef COMPLETIONS
#define COMPLETIONS 0      /* 0: no completion; else one more than the times HR completes without signatures */
#endif
#ifndef SELF_VERSIONS
#define SELF_VERSIONS 1    /* self-assessment */
#endif
#ifndef UNSHARINGS
#define UNSHARINGS 0       /* the employee takes the self-assessment back: 0 or 1 */
#endif
#ifndef WAIVERS
#define WAIVERS 0          /* HR waives the self-assessment, and may withdraw that: 0 or 1 */
#endif
#ifndef CLOSINGS
#define CLOSINGS 0         /* HR closes the cycle: 0 or 1 */
#endif
#ifndef CANCELLATIONS
#define CANCELLATIONS 0    /* HR cancels the review: 0 or 1 */
#endif
#ifndef BEGINS_SHARED
#define BEGINS_SHARED 1    /* 0: the self-assessment begins as a draft */
#endif

/* ---- surroundings ---- */
#ifndef FORGETTING
#define FORGETTING 0       /* the broker loses all it holds, once: 1 everything at a time, 3 each topic at its own time */
#endif
#ifndef RESTORES
#define RESTORES 0         /* the packets database is restored from a backup taken at any earlier moment: 0 or 1 */
#endif
#ifndef SIGNING_RESTORES
#define SIGNING_RESTORES 0 /* the same of signing: 0 or 1 */
#endif
#ifndef JUMP
#define JUMP 3             /* what a restored row adds to its numbers, 1000 in the code: more than can be in flight */
#endif
#ifndef SWEEPS
#define SWEEPS 0           /* rounds of the audit sweep of packets, its reading apart from its acting */
#endif
#ifndef MAILS
#define MAILS 0            /* 1: the mail "released", two postmen */
#endif
#ifndef SMTP_FAILURES
#define SMTP_FAILURES 1    /* times the mail server says "later" */
#endif
#ifndef CRASHES
#define CRASHES 1          /* of a postman, at any moment */
#endif

/* Messages that can change nothing any more leave the state (tidy.pml); -DKEEP_ALL leaves them in it. */
#if FORGETTING || RESTORES || SIGNING_RESTORES || SWEEPS
#define KEEP_ALL
#endif

#if RESTORES && (CALIBRATIONS || SELECTIONS || CLOSINGS || CANCELLATIONS)
#error "the backup does not have these"
#endif
#if SIGNING_RESTORES && (SIGNERS > 1 || COMPLETIONS || SELF_VERSIONS > 1 || !BEGINS_SHARED)
#error "signing's backup does not have these"
#endif
#if EPOCHS > 3 || VERSIONS > 3 || SIGNATURES > 3
#error "review.pml lists the steps of at most three"
#endif
