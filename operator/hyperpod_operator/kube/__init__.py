"""Floor 2: the only importer of the Kubernetes client."""
