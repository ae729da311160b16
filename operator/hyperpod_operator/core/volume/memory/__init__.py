"""What a pass remembers for the next ones, all of it in status, so that a restart changes nothing.

Two records are written before a call and not after it (`report.intent`): the request that makes the volume, and
the node that an attach goes to. A lost answer then finds its question.
"""
