"""The user's Kubernetes cluster: kubeconfig, credentials, and a thin client of its API server."""
