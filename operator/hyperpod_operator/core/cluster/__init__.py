"""What to do about a HyperPodCluster: observed, diff, policy, plan, report."""
