"""The command `plan`: what the operator would do about manifests, before they are applied."""
