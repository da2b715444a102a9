"""Who may do what: one row for each operation of each service, with a line for each state in which it is asked.

The columns are people and services as they stand to one review, Anna's:

    E  the employee                        H  an HR admin without a seat in the calibration session
    M  the manager of record               C  an HR admin with a seat in it
    F  the former manager of record        X  an HR admin who reports to the employee
    L  the manager's manager               U  an HR admin whom the directory lacks
    K  a calibrator                        O  a colleague with no part in the review
    A  an HR assistant                     S  another company service, which may import people
                                           I  one of our own services, which may ask internally

and whoever brings no token gets 401 everywhere, with which no column is spent. The words of the cells:

    ok    carried out                                404   not-found, to the byte as for what does not exist
    in    a list in which the review stands          role  403 forbidden-role, the command never admits this role
    out   a list in which it does not                self  403 self-dealing, somebody else of HR must act
    done  409 already-submitted: HR alone reopens    who   403 unknown-person, self-dealing cannot be ruled out
    auth  403 author-only: HR unshares nothing       hr    403 hr-only: signers revoke nothing
                                                     nas   403 not-a-signer

A `!` after a word says that the services answer otherwise today; the test then fails as soon as they do not.

A review is not there for whoever stands outside it, its calibrators included, but for what is theirs in the session and
at the rating. Who stands inside and is never admitted learns so by 403 in every state; who is admitted in some state
gets 404 until then. What concerns no single review, such as cycles and questionnaires, is refused by the role alone.
"""

from __future__ import annotations

ROWS = """
# assessment: the directory, questionnaires, cycles

POST /v1/people/import
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        role  role  role  role  role  role  ok    ok    ok    ok    role  ok    role
GET /v1/people
    draft        in    in    out   out   out   in    in    in    in    in    out   out   out
GET /v1/people/{person_id}
    draft        ok    ok    404   404   404   ok    ok    ok    ok    ok    404   404   404

POST /v1/questionnaires
    draft        role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
GET /v1/questionnaires
    draft        role  role  role  role  role  in    in    in    in    in    role  role  role
GET /v1/questionnaires/{questionnaire_id}
    draft        role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
PUT /v1/questionnaires/{questionnaire_id}
    planned      role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role

POST /v1/cycles
    draft        role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
GET /v1/cycles
    draft        role  role  role  role  role  in    in    in    in    in    role  role  role
GET /v1/cycles/{cycle_id}
    draft        role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
PATCH /v1/cycles/{cycle_id}
    planned      role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
    draft        role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
# To who has no team in a cycle there is nothing to follow.
GET /v1/cycles/{cycle_id}/progress
    draft        404   ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
    released     404   ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
POST /v1/cycles/{cycle_id}/participants
    planned      role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
GET /v1/cycles/{cycle_id}/participants
    draft        role  role  role  role  role  in    in    in    in    in    role  role  role
POST /v1/cycles/{cycle_id}/participants/import
    planned      role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
POST /v1/cycles/{cycle_id}/participants/remove
    planned      role  role  role  role  role  ok    ok    ok    ok    ok    role  role  role
POST /v1/cycles/{cycle_id}/start
    planned      role  role  role  role  role  role  ok    ok    ok    ok    role  role  role
POST /v1/cycles/{cycle_id}/close
    draft        role  role  role  role  role  role  ok    ok    ok    ok    role  role  role

# assessment: the review as a whole

GET /v1/reviews
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        in    in    in    out   out   in    in    in    in    in    out   out   out
    released     in    in    in    out   out   in    in    in    in    in    out   out   out
GET /v1/reviews/{review_id}
    draft        ok    ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
    released     ok    ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
GET /v1/reviews/{review_id}/actions
    draft        ok    ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
    released     ok    ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
POST /v1/reviews/{review_id}/cancel
    draft        role  role  404   404   404   role  ok    ok    self  who   404   404   404
POST /v1/reviews/{review_id}/reassign
    draft        role  role  404   404   404   role  ok    ok    self  who   404   404   404
POST /v1/reviews/bulk
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        role  role  role  role  role  role  ok    ok    ok    ok    role  role  role
GET /v1/reviews/bulk
    draft        role  role  role  role  role  role  in    in    in    in    role  role  role
GET /v1/reviews/operations/{operation_id}
    draft        404   404   404   404   404   404   ok    ok    ok    ok    404   404   404
GET /v1/reviews/operations/{operation_id}/items
    draft        404   404   404   404   404   404   in    in    in    in    404   404   404
POST /v1/reviews/operations/{operation_id}/apply
    draft        404   404   404   404   404   404   ok    ok    ok    ok    404   404   404
POST /v1/reviews/operations/{operation_id}/cancel
    draft        404   404   404   404   404   404   ok    ok    ok    ok    404   404   404

# assessment: the employee's side. A draft is its author's alone

GET /v1/reviews/{review_id}/self-assessment
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        ok    404   404   404   404   404   404   404   404   who   404   404   404
    shared       ok    ok    404   404   404   404   ok    ok    404   who   404   404   404
    released     ok    ok    404   404   404   404   ok    ok    404   who   404   404   404
GET /v1/reviews/{review_id}/self-assessment/versions/{version}
    draft        ok    404   404   404   404   404   404   404   404   who   404   404   404
    shared       ok    ok    404   404   404   404   ok    ok    404   who   404   404   404
PUT /v1/reviews/{review_id}/self-assessment
    draft        ok    404   404   404   404   404   404   404   404   404   404   404   404
PUT /v1/reviews/{review_id}/self-assessment/backup
    draft        ok    404   404   404   404   404   404   404   404   404   404   404   404
    released     ok    404   404   404   404   404   404   404   404   404   404   404   404
GET /v1/reviews/{review_id}/self-assessment/backups
    draft        ok    404   404   404   404   404   404   404   404   404   404   404   404
    released     ok    404   404   404   404   404   404   404   404   404   404   404   404
GET /v1/reviews/{review_id}/self-assessment/backups/{number}
    draft        ok    404   404   404   404   404   404   404   404   404   404   404   404
    released     ok    404   404   404   404   404   404   404   404   404   404   404   404
POST /v1/reviews/{review_id}/self-assessment/backups/{number}/restore
    draft        ok    404   404   404   404   404   404   404   404   404   404   404   404
POST /v1/reviews/{review_id}/self-assessment/share
    draft        ok    role  404   404   404   role  role  role  role  role  404   404   404
POST /v1/reviews/{review_id}/self-assessment/unshare
    shared       ok    role  404   404   404   role  auth  auth  auth  auth  404   404   404
POST /v1/reviews/{review_id}/self-assessment/waive
    draft        role  role  404   404   404   role  ok    ok    self  who   404   404   404
POST /v1/reviews/{review_id}/self-assessment/unwaive
    waived       role  role  404   404   404   role  ok    ok    self  who   404   404   404

# assessment: the manager's side. To the employee it is never there

GET /v1/reviews/{review_id}/manager-assessment
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        404   ok    404   404   404   role  404   404   404   who   404   404   404
    submitted    404   ok    404   404   404   role  ok    ok    404   who   404   404   404
    released     404   ok    404   404   404   role  ok    ok    404   who   404   404   404
PUT /v1/reviews/{review_id}/manager-assessment
    draft        404   ok    404   404   404   role  404   404   self  who   404   404   404
    submitted    404   ok    404   404   404   role  ok    ok    self  who   404   404   404
PUT /v1/reviews/{review_id}/manager-assessment/backup
    draft        404   ok    404   404   404   404   404   404   404   404   404   404   404
    released     404   ok    404   404   404   404   404   404   404   404   404   404   404
# What HR wrote into a submitted form and was refused is kept for HR; of the manager's backups HR sees none.
GET /v1/reviews/{review_id}/manager-assessment/backups
    draft        404   ok    404   404   404   404   404   404   404   who   404   404   404
    submitted    404   ok    404   404   404   404   ok    ok    404   who   404   404   404
GET /v1/reviews/{review_id}/manager-assessment/backups/{number}
    draft        404   ok    404   404   404   404   404   404   404   who   404   404   404
    submitted    404   ok    404   404   404   404   404   404   404   who   404   404   404
POST /v1/reviews/{review_id}/manager-assessment/backups/{number}/restore
    draft        404   ok    404   404   404   404   404   404   404   who   404   404   404
POST /v1/reviews/{review_id}/manager-assessment/submit
    draft        role  ok    404   404   404   role  role  role  role  role  404   404   404
POST /v1/reviews/{review_id}/manager-assessment/reopen
    submitted    role  done  404   404   404   role  ok    ok    self  who   404   404   404

# packets: what is shown, and calibration. A session is there for HR and its calibrators

GET /v1/shared-questions/{cycle_id}
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    submitted    role  role  role  role  role  role  ok    ok    ok    ok    role  role  role
PUT /v1/shared-questions/{cycle_id}
    submitted    role  role  role  role  role  role  ok    ok    ok    ok    role  role  role
POST /v1/calibrations
    submitted    role  role  role  role  role  role  ok    ok    self  who   role  role  role
GET /v1/calibrations
    in_session   out   out   out   out   in    out   in    in    in    in    out   out   out
GET /v1/calibrations/{session_id}
    in_session   404   404   404   404   ok    role  role  ok    role  role  404   404   404
    ready        404   404   404   404   ok    role  role  ok    role  role  404   404   404
PUT /v1/calibrations/{session_id}/members
    pending      404   404   404   404   role  role  ok    ok    self  who   404   404   404
POST /v1/calibrations/{session_id}/start
    pending      404   404   404   404   role  role  ok    ok    self  who   404   404   404
POST /v1/calibrations/{session_id}/cancel
    in_session   404   404   404   404   role  role  ok    ok    self  who   404   404   404
PUT /v1/calibrations/{session_id}/ratings/{review_id}
    in_session   404   404   404   404   ok    role  role  ok    role  role  404   404   404
POST /v1/calibrations/{session_id}/complete
    in_session   404   404   404   404   role  role  role  ok    self  who   404   404   404
POST /v1/calibrations/{session_id}/reopen
    ready        404   404   404   404   role  role  role  ok    self  who   404   404   404
POST /v1/calibrations/{session_id}/confirm
    ready        404   404   404   404   role  role  role  ok    self  who   404   404   404

# packets: nobody below HR has a trace of one before it is sent, nor the employee before it is released

GET /v1/packets
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    ready        out   in    out   out   out   in    in    in    in    in    out   out   out
    released     in    in    out   out   out   in    in    in    in    in    out   out   out
GET /v1/packets/{review_id}
    ready        404   404   404   404   404   role  ok    ok    404   who   404   404   404
    with_manager 404   ok    404   404   404   role  ok    ok    404   who   404   404   404
    released     ok    ok    404   404   404   role  ok    ok    404   who   404   404   404
GET /v1/packets/{review_id}/pdf
    ready        404   404   404   404   404   role  ok    ok    404   who   404   404   404
    with_manager 404   ok    404   404   404   role  ok    ok    404   who   404   404   404
    released     ok    ok    404   404   404   role  ok    ok    404   who   404   404   404
GET /v1/packets/{review_id}/preview
    ready        404   404   404   404   404   role  ok    ok    404   who   404   404   404
    released     role  role  404   404   404   role  ok    ok    404   who   404   404   404
GET /v1/packets/{review_id}/actions
    ready        ok    ok    404   404   role  role  ok    ok    ok    ok    404   404   404
    released     ok    ok    404   404   role  role  ok    ok    ok    ok    404   404   404
# What HR typed is no more a superior's to read than the packet itself.
GET /v1/packets/{review_id}/history
    ready        role  role  404   404   role  role  ok    ok    404   who   404   404   404
    released     role  role  404   404   role  role  ok    ok    404   who   404   404   404
GET /v1/packets/{review_id}/corrections
    with_manager 404   ok    404   404   404   role  ok    ok    404   who   404   404   404
    released     role  ok    404   404   404   role  ok    ok    404   who   404   404   404
POST /v1/packets/{review_id}/conversation-held
    ready        role  404   404   404   role  role  role  role  role  role  404   404   404
    with_manager role  ok    404   404   role  role  role  role  role  role  404   404   404
    released     role  ok    404   404   role  role  role  role  role  role  404   404   404
# To who has no team in a cycle there is nothing to follow.
GET /v1/packets/tracking/{cycle_id}
    ready        404   ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
    released     404   ok    404   404   404   ok    ok    ok    ok    ok    404   404   404
GET /v1/packets/tracking/{cycle_id}/people
    ready        404   in    404   404   404   in    in    in    in    in    404   404   404
    released     404   in    404   404   404   in    in    in    in    in    404   404   404
POST /v1/packets/{review_id}/override-calibration
    in_session   role  role  404   404   role  role  ok    ok    self  who   404   404   404
PUT /v1/packets/{review_id}/rating
    ready        role  role  404   404   ok    role  ok    ok    self  who   404   404   404
POST /v1/packets/{review_id}/release-to-manager
    ready        role  role  404   404   role  role  ok    ok    self  who   404   404   404
POST /v1/packets/{review_id}/release
    ready        role  404   404   404   role  role  ok    ok    self  who   404   404   404
    with_manager role  ok    404   404   role  role  ok    ok    self  who   404   404   404
    released     role  ok    404   404   role  role  ok    ok    self  who   404   404   404
POST /v1/packets/{review_id}/unrelease
    with_manager role  role  404   404   role  role  ok    ok    self  who   404   404   404
    released     role  role  404   404   role  role  ok    ok    self  who   404   404   404

# packets: one command for many. HR gives it, and whoever began an operation watches it

POST /v1/packets/bulk
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    with_manager role  role  role  role  role  role  ok    ok    ok    ok    role  role  role
GET /v1/packets/bulk
    scheduled    role  role  role  role  role  role  in    in    in    in    role  role  role
GET /v1/packets/operations/{operation_id}
    scheduled    404   404   404   404   404   404   ok    ok    ok    ok    404   404   404
GET /v1/packets/operations/{operation_id}/items
    scheduled    404   404   404   404   404   404   in    in    in    in    404   404   404
POST /v1/packets/operations/{operation_id}/apply
    scheduled    404   404   404   404   404   404   ok    ok    ok    ok    404   404   404
POST /v1/packets/operations/{operation_id}/cancel
    scheduled    404   404   404   404   404   404   ok    ok    ok    ok    404   404   404
POST /v1/packets/{review_id}/cancel-scheduled
    scheduled    role  ok    404   404   role  role  ok    ok    self  who   404   404   404

# signing

GET /v1/signatures
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    with_manager out   in    out   out   out   out   in    in    in    in    out   out   out
    released     in    in    out   out   out   out   in    in    in    in    out   out   out
GET /v1/signatures/{review_id}
    with_manager 404   ok    404   404   404   role  ok    ok    ok    ok    404   404   404
    released     ok    ok    404   404   404   role  ok    ok    ok    ok    404   404   404
GET /v1/signatures/{review_id}/statement
    released     ok    ok    404   404   404   role  nas   nas   nas   nas   404   404   404
GET /v1/signatures/{review_id}/actions
    with_manager ok    ok    404   404   404   role  ok    ok    ok    ok    404   404   404
    released     ok    ok    404   404   404   role  ok    ok    ok    ok    404   404   404
POST /v1/signatures/{review_id}/sign
    released     ok    ok    404   404   404   role  nas   nas   nas   nas   404   404   404
POST /v1/signatures/{review_id}/complete
    released     role  role  404   404   404   role  ok    ok    self  who   404   404   404
POST /v1/signatures/{review_id}/revoke
    signed       hr    hr    404   404   404   role  ok    ok    self  who   404   404   404

# notifications

GET /v1/tasks
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    draft        in    out   out   out   out   out   out   out   out   out   out   out   out
    with_manager out   in    out   out   out   out   out   out   out   out   out   out   out
    released     in    in    out   out   out   out   out   out   out   out   out   out   out
GET /v1/deliveries
    released     role  role  role  role  role  in    in    in    in    in    role  role  role

# between our own services; the same row wherever a service has the operation

POST /internal/contents
#                E     M     F     L     K     A     H     C     X     U     O     S     I
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
POST /internal/cycles
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
GET /internal/directory
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
POST /internal/people
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
GET /internal/states
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
POST /internal/swept
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
POST /internal/visibility
    released     role  role  role  role  role  role  role  role  role  role  role  role  ok
"""
