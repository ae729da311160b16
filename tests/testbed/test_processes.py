"""Ports that nothing else takes between their choice and their use."""

from pathlib import Path

from hyperpod_testbed.processes import SERVERS, free_ports


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(50))) == 50


def test_no_outgoing_connection_of_this_machine_can_take_a_port_of_a_server() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(SERVERS) < first
