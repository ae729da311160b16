"""A soak: random edits, faults and restarts for a long time, with invariants that are checked all along."""
