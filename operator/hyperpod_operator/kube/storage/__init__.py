"""What volumes have in Kubernetes: PersistentVolumes, who uses them, and the Leases that hold them."""
