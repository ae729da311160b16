"""Plans: every call that a resource asks for, what it does, and whether it may be sent.

There is one list of planned calls. The call that the operator makes next, `status.plan`, approvals and the preview are
views of it.
"""
