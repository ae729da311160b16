"""Reads of AWS for preflight: typed, paged, cached, paced, and within a budget. Nothing here changes anything."""
