"""The parts of a pass that are the same for every kind: findings and their merge, calls as data, the journal of calls,
and the one setter of conditions. Pure, like everything in `core`."""
