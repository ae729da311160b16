"""One call to AWS: its turn, its time, what its answer has to have, and what its failure means."""
