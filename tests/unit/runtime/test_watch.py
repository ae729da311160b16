"""Kopf's settings: the ones that protect people's clusters."""

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.runtime.watch import kopf_settings


def test_kopf_never_takes_our_finalizer_away() -> None:
    # It removes the finalizer of its own name from every object that it serves.
    assert kopf_settings().persistence.finalizer != CLUSTER.finalizer


def test_kopf_needs_no_rights_beyond_our_kind_and_writes_no_events() -> None:
    settings = kopf_settings()
    assert settings.scanning.disabled
    assert settings.peering.standalone
    assert not settings.posting.enabled


def test_a_dead_stream_is_given_up_before_the_server_forgets_its_events() -> None:
    watching = kopf_settings().watching
    # The API server's watch cache keeps 75 s of events at least, and bookmarks come every 60 s.
    assert 60 < watching.inactivity_timeout < 75
    assert isinstance(watching.server_timeout, int)
    assert (watching.client_timeout or 0) > watching.server_timeout


def test_kopf_kills_the_process_before_the_kubelet_does() -> None:
    # terminationGracePeriodSeconds is 30 by default.
    assert (kopf_settings().process.ultimate_exiting_timeout or 0) < 30


def test_no_setting_is_shared_between_two_watches() -> None:
    assert kopf_settings() is not kopf_settings()
