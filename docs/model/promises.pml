/* What is promised, by name: the first line of each says it in words. S, N: never otherwise, looked at after every step.
   L: has come about when nothing is left to do. */

mtype:property = {
  S1_held,        /* what the employee can read is locked: the release register is held, for that epoch and snapshot */
  S2_version,     /* it is the submitted version of the manager-assessment */
  S2_content,     /* it shows the rating and the questions of the packet's row */
  S2_manager,     /* the manager who released it is the manager of record */
  S2_calibrated,  /* that version was calibrated, or HR overrode */
  S2_cancelled,   /* a cancelled review shows nothing */
  S3_held,        /* a signature's register is held, by its own attempt, over its snapshot */
  S3_covers,      /* it covers the versions as they are, and a self-assessment that is shared or waived */
  S3_same,        /* what is signed is what is shown */
  S3_signer,      /* the manager who signed is the manager of record */
  S3_completed,   /* a review that completed by itself has all signatures */
  S4_edit,        /* each act on a side finds it editable, nobody reading what is changed and nobody signed */
  S4_reopen, S4_reassign, S4_share, S4_unshare, S4_waive, S4_unwaive, S4_cancel,
  S4_closed,      /* nothing is held anew in a closed cycle */
  S4_completed,   /* nobody signs what is completed */
  S4_orphan,      /* nobody is locked out for nothing: the register is held for a packet on its way, out or back */
  S4_sweep,       /* the sweep finds nothing to repair where nothing was restored */
  S5_hidden,      /* after unrelease was answered nobody reads, unless a newer epoch is released */
  S6_fence,       /* no fence is decided after a higher one */
  S6_outcome,     /* none is decided twice */
  S6_waits,       /* nobody waits for an answer below the register's fence: `superseded` is answered to nobody who waits */
  N1_released,    /* a mail goes out only if at its decision the packet is released in that epoch */
  N2_once,        /* at most once */
  L1_releasing,   /* no release hangs */
  L2_unreleasing, /* nor an unrelease */
  L3_signatures,  /* signatures and completions are made or not */
  L4_release,     /* released and held are one */
  L4_signatures,  /* so are signed and held, completed and held */
  L5_ready,       /* a packet is ready if what it needs is there, and only then */
  L6_wish,        /* nothing stands that an unrelease wished revoked */
  L7_complete,    /* what all have signed is completed, unless that was tried in this epoch */
  L8_mail,        /* what stands released was mailed, or given up */
  wide_enough     /* the model's own arrays hold what is put into them */
};
#define MUST(name, condition) assert((condition) || !name)
