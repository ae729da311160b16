"""What is taken from the audit log of a kill: a request of the wrong side would be believed."""

import pytest

from benchmarks.claims.failover import Takeover, figures, taken_over
from benchmarks.environment import BenchmarkError
from benchmarks.environment.audit import Request, request

KILLED = 1000.0


def made(verb: str, resource: str, at: float, *, name: str = "", code: int = 200) -> Request:
    return Request(verb=verb, resource=resource, name=name, code=code, at=at)


TAINT = made("patch", "nodes", 1015.0, name="n")


def found(*requests: Request) -> Takeover:
    return taken_over([*requests, TAINT], killed=KILLED, node="n", memory=1.0)


def test_the_first_write_is_any_but_that_of_the_lease() -> None:
    one = found(made("update", "leases", 1014.0), made("patch", "ebsvolumeclaims/status", 1014.5))
    assert (one.first_write, one.taint) == (14.5, 15.0)


def test_what_the_killed_one_wrote_does_not_count() -> None:
    assert found(made("patch", "nodes", 999.0, name="n")).first_write == 15.0


def test_lists_after_the_kill_count_where_a_warm_standby_needs_none() -> None:
    listed = [made("list", resource, 1014.0) for resource in ("nodes", "ebsvolumeclaims", "hyperpodclusters", "pods")]
    assert found(*listed, made("list", "nodes", 999.0)).lists == 3


def test_a_refused_taint_is_none() -> None:
    with pytest.raises(BenchmarkError, match="no write to the Node n"):
        taken_over([made("patch", "nodes", 1015.0, name="n", code=409)], killed=KILLED, node="n", memory=1.0)


def test_of_several_kills_the_worst_stands() -> None:
    kills = [Takeover(first_write=at, taint=at, lists=lists, memory=1.0) for at, lists in ((14.0, 0), (16.5, 2))]
    assert [(one.value, one.most) for one in figures(kills, said="x") if one.most is not None] == [(2, 0), (16.5, 16.0)]


def test_a_line_of_the_audit_log_has_its_moment_and_its_subresource() -> None:
    line = {
        "verb": "patch",
        "objectRef": {"resource": "nodes", "subresource": "status", "name": "n"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "1970-01-01T00:00:01.500000Z",
    }
    assert request(line) == made("patch", "nodes/status", 1.5, name="n")
