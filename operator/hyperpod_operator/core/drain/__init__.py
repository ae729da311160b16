"""Pods that leave nodes before these reboot or end: which ones, in which order, and what is waited for. Pure."""
