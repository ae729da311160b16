"""Crash points: SIGKILL the real operator just before and just after each of its I/Os, and compare the end."""
