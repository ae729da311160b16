"""Probes and metrics over HTTP, each on a port and a thread of its own, so that neither waits for the other.

The server is ours because what it has to do is little and what it must not do is much: it answers one GET on each
connection and closes it, within deadlines, from a bounded number of connections. aiohttp's server has no deadline for
the first request of a connection and no limit of connections, and it answers what is pipelined without end.
"""
