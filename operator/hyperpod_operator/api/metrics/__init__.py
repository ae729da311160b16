"""Every metric: name, type, labels and words in one place; the registry, documents, dashboard and tests follow it.

Names follow Prometheus's conventions: base units, `_total` for counters. A metric is one entry of a module here, and
the line that counts it. What describes one object is a gauge in the record of its kind, computed from its status.
"""
