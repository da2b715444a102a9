/* The mail "released": called for by the fact, decided when it is sent, at most once for each epoch of a packet. Two
   postmen; one may crash at any moment, or be so slow that somebody else takes up what it has begun. */

#if MAILS
#define POSTMEN 2
mtype = { QUEUED, SENDING, DELIVERED, SUPPRESSED, GIVEN_UP };
mtype mail[ATTEMPTS];               /* delivery rows, by epoch: the occasion is part of the key */
byte  smtp[ATTEMPTS];               /* watched: how often the mail server took it */
byte  letter[POSTMEN];              /* the epoch whose mail this postman may send, 0: none */
mtype doing[POSTMEN];               /* 0 asked, SENDING begun, DELIVERED handed over */
bit   asked_well[POSTMEN];          /* watched: RELEASED(epoch) at the decision */
byte  smtp_failures, crashes;

#ifdef MAIL_KEY_WITHOUT_EPOCH
#define KEY(e) 1
#else
#define KEY(e) (e)
#endif
#ifdef MAIL_IS_QUEUED_BY_EVERY_FACT
#define CALLED_FOR(e) (mail[KEY(e)] != QUEUED && mail[KEY(e)] != SENDING)
#else
#define CALLED_FOR(e) (mail[KEY(e)] == 0)
#endif
inline call_for_mail(a) {
  HAS(told_released, a) && CALLED_FOR(lock_epoch[a]) ->
  mail[KEY(lock_epoch[a])] = QUEUED; printf("- notifications learns of the release, epoch %d\n", lock_epoch[a])
}
#define MAY_OPEN(e) (VISIBLE && epoch == (e))
#ifdef MAIL_DOES_NOT_ASK
#define MAY_SEND(e) 1
#elif defined(MAIL_ASKS_WITHOUT_EPOCH)
#define MAY_SEND(e) VISIBLE
#else
#define MAY_SEND(e) MAY_OPEN(e)
#endif
inline decide_mail(w, e) {
  mail[e] == QUEUED && letter[w] == 0 ->
  if
  :: MAY_SEND(e) -> letter[w] = e; asked_well[w] = MAY_OPEN(e); printf("- postman %d asks: yes, for epoch %d\n", w, e)
  :: else        -> mail[e] = SUPPRESSED; printf("- postman %d asks: no, for epoch %d\n", w, e)
  fi
}
inline put_down(w) { letter[w] = 0; doing[w] = 0; asked_well[w] = 0 }
inline begin_mail(w) {              /* committed before the server hears of it, and only by one */
  letter[w] != 0 && doing[w] == 0 ->
#ifdef MAIL_BEGINS_UNNOTED
  doing[w] = SENDING; printf("- postman %d begins\n", w)
#else
  if
  :: mail[letter[w]] == QUEUED -> mail[letter[w]] = SENDING; doing[w] = SENDING; printf("- postman %d begins\n", w)
  :: else -> put_down(w); printf("- postman %d finds it begun\n", w)
  fi
#endif
}
inline hand_over(w) {
  doing[w] == SENDING ->
  printf("- the mail server takes the mail of epoch %d from postman %d\n", letter[w], w);
  smtp[letter[w]]++; doing[w] = DELIVERED;
  MUST(N1_released, asked_well[w]);
  MUST(N2_once, smtp[letter[w]] <= 1)
}
inline note_sent(w) {
  doing[w] == DELIVERED ->
  if :: mail[letter[w]] == SENDING || mail[letter[w]] == QUEUED -> mail[letter[w]] = DELIVERED :: else fi;
  put_down(w); printf("- postman %d notes that it is sent\n", w)
}
inline try_later(w) {
  doing[w] == SENDING && smtp_failures < SMTP_FAILURES -> smtp_failures++;
#ifdef MAIL_TRIES_AGAIN_WITHOUT_ASKING
  doing[w] = 0; mail[letter[w]] = QUEUED; asked_well[w] = 0;
#else
  if :: mail[letter[w]] == SENDING -> mail[letter[w]] = QUEUED :: else fi;
  put_down(w);
#endif
  printf("- the mail server says: later\n")
}
inline crash_postman(w) {
  letter[w] != 0 && crashes < CRASHES -> crashes++; put_down(w); printf("- postman %d crashes\n", w)
}
inline find_begun(e) {              /* nobody knows whether the server took it: at most one goes before one for certain */
  mail[e] == SENDING ->
#ifdef MAIL_AGAIN_AFTER_CRASH
  mail[e] = QUEUED;
#else
  mail[e] = GIVEN_UP;
#endif
  printf("- an attempt for epoch %d left no trace of its end\n", e)
}
#endif
