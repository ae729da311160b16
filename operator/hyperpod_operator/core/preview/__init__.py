"""What the operator would do about a manifest that is not applied yet; pure."""
