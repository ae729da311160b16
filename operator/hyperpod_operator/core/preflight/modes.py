"""What failed checks do to a call that waits for them. A module of its own, because the command line names them before
it loads anything else."""

ENFORCE, WARN, OFF = "Enforce", "Warn", "Off"
MODES = (ENFORCE, WARN, OFF)
