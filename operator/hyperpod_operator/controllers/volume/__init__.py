"""Passes over EBSVolumeClaims."""
