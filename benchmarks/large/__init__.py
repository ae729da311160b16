"""As many Nodes as an EKS cluster can have: what one leader carries, next to the peer in Go."""
