"""Floor 1: pure decisions. No I/O, no clock, no chance: everything comes in as an argument."""
