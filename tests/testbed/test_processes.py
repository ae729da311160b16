"""Ports that nothing else takes between their choice and their use."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from hyperpod_testbed.processes import SERVERS, free_ports


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(50))) == 50


def test_two_processes_choose_none_of_each_others_ports() -> None:
    """Where the servers on them start later: three hundred of twelve thousand twice have seven in common by chance."""
    code = "import sys; from hyperpod_testbed.processes import *; print(*free_ports(300), flush=True); sys.stdin.read()"
    with ExitStack() as stack:
        command = [sys.executable, "-c", code]
        started = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        chosen = [set(process.stdout.readline().split()) for process in started if process.stdout is not None]
        for process in started:
            process.communicate()
    assert [len(ports) for ports in chosen] == [300, 300]
    assert chosen[0] & chosen[1] == set()


def test_no_outgoing_connection_of_this_machine_can_take_a_port_of_a_server() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(SERVERS) < first
