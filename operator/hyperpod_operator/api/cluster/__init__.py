"""HyperPodCluster: its spec with the rules of admission, its status, and what is kept in that."""
