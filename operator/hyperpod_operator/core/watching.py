"""When a watch counts as silent, whoever watches: Kopf our kinds, `kube` the Nodes and pods."""

INACTIVITY = 70.0
"""Seconds without a byte after which a stream is opened again; bookmarks come each minute."""
SILENT = 90.0
"""Seconds without a sign of the API server after which what is known may be old: the replica is not ready."""
