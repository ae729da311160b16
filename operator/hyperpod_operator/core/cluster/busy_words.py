"""AWS calls requests invalid also because of a state, which passes. What does not pass in that time is a refusal.

Words tell the two apart, and words can be about anything: "... is not allowed while ..." names a rule as well as a
moment. Taken for a moment for ever, the call would be made every minute, and nobody would be told to act.
"""

from dataclasses import replace

from hyperpod_operator.core.cluster.ending import refusals
from hyperpod_operator.core.cluster.pass_record import PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import CreateCluster
from hyperpod_operator.core.errors import CloudError, ErrorKind

CREATION_TRIES = 10
"""Tries, one a minute: nothing of a cluster that does not exist is busy; its EKS cluster may be."""
CHANGE_TRIES = 180
"""Tries, one a minute: deep health checks keep a cluster from changing for one to two hours."""


# [assumption: validation-may-be-state]
def told_apart(pass_record: PassRecord) -> PassRecord:
    """The pass with its rejection taken for what it is: about a state, or about the request after so many tries."""
    result = pass_record.result
    if not isinstance(result, Rejected) or not _about_a_state(result.error):
        return pass_record
    worded = replace(result, by_words=True)
    most = CREATION_TRIES if isinstance(result.action, CreateCluster) else CHANGE_TRIES
    if refusals(pass_record) > most:
        worded = replace(worded, error=result.error.as_kind(ErrorKind.INVALID))
    return replace(pass_record, result=worded)


def _about_a_state(error: CloudError) -> bool:
    return error.kind is ErrorKind.BUSY and error.code == "ValidationException"
