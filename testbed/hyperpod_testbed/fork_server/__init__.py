"""Operators that start by a fork of a process that has loaded the command already.

Loading is most of what a start costs, and a test run starts operators by the hundred. After the fork everything is as
in a process of its own: session, environment, arguments, working directory, output, exit code.
"""

from hyperpod_testbed.fork_server.client import VARIABLE, Forked, ForkServer

__all__ = ["VARIABLE", "ForkServer", "Forked"]
