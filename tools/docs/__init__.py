"""Documents that follow from something else."""
