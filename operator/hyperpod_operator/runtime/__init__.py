"""Floor 2: the only importer of Kopf and prometheus_client: queue, workers, watch glue, HTTP, metrics, logs."""
