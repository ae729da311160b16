"""Outcomes of a call that changes AWS, as `status.lastAction.outcome` keeps them from pass to pass."""

# [assumption: create-has-no-token]
STARTED = "Started"
"""Recorded before CreateCluster is sent: from here on AWS may hold a cluster that cannot be seen yet."""
ACCEPTED = "Accepted"
"""AWS took the call."""
REJECTED = "Rejected"
"""AWS refused the call and did nothing."""
UNKNOWN = "Unknown"
"""No answer: the call may or may not have been carried out."""
APPLIED = "Applied"
"""A later pass saw the change in AWS."""
ROLLED_BACK = "RolledBack"
"""AWS took the call, tried, and went back to the former state."""
PENDING = frozenset({STARTED, ACCEPTED, UNKNOWN})
"""Outcomes of a call whose effect AWS has not shown yet."""
