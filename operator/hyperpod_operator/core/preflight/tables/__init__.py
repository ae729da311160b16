"""Data that AWS publishes in prose only, each with its source and date."""
