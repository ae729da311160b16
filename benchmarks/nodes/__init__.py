"""Node health measured: the same contract, the same load and the same clock for the operator and its peers."""
