"""From descriptions of existing clusters to HyperPodCluster manifests; pure."""
