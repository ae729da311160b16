"""The Lease, who leads by it, and until when the leader may write."""
