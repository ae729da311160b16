"""The picture of the dashboard: a real Prometheus scrapes the running operator, and the panels' own queries are drawn.

Grafana is too big for that, so the drawing is ours; the data and the queries are not.
"""
