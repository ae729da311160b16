"""Kopf's login: fresh sessions, no storm, and an end. In fake time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.runtime.login import Login
from hyperpod_operator.runtime.watch_health import WatchHealth

pytestmark = pytest.mark.looptime


@dataclass(frozen=True)
class Found:
    server: str = "https://127.0.0.1:6443"
    ca_file: str | None = None
    authorization: str = "Bearer one"
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    proxy: str | None = None


class Source:
    def __init__(self) -> None:
        self.answers: list[Found | Exception] = []

    async def __call__(self) -> Found:
        answer = self.answers.pop(0) if self.answers else Found()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def health(clock: Any) -> WatchHealth:
    return WatchHealth(clock=clock, plurals=("things",))


@pytest.fixture
async def login(source: Source, clock: Any, health: WatchHealth) -> AsyncIterator[Login]:
    login = Login(credentials=source, clock=clock, health=health)
    yield login
    await login.close()


async def test_a_session_carries_the_token_and_expires_in_ten_minutes(login: Login, clock: Any) -> None:
    info = await login.log_in()
    assert info is not None
    assert info.aiohttp_session.headers["Authorization"] == "Bearer one"
    assert info.expiration is not None
    assert info.expiration - clock.now() == pytest.approx(timedelta(minutes=10), abs=timedelta(seconds=1))


async def test_the_environment_names_no_proxy_that_was_not_chosen(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY was obeyed where the proxy was chosen, with blocks of addresses that aiohttp does not know."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    info = await login.log_in()
    assert info is not None
    assert not info.aiohttp_session.trust_env


async def test_the_token_is_read_at_every_login(login: Login, source: Source) -> None:
    source.answers = [Found(), Found(authorization="Bearer two")]
    await login.log_in()
    info = await login.log_in()
    assert info is not None
    assert info.aiohttp_session.headers["Authorization"] == "Bearer two"


async def test_a_renewal_that_nobody_refused_does_not_wait(login: Login) -> None:
    start = asyncio.get_running_loop().time()
    await login.log_in()
    await login.log_in()
    assert asyncio.get_running_loop().time() - start < 0.1


async def test_refused_credentials_are_tried_again_after_a_pause(login: Login, health: WatchHealth) -> None:
    await login.log_in()
    health.refused = True
    start = asyncio.get_running_loop().time()
    assert await login.log_in() is not None
    assert asyncio.get_running_loop().time() - start == pytest.approx(5, abs=0.1)


async def test_credentials_that_stay_refused_are_given_up_after_two_minutes(
    login: Login, health: WatchHealth, caplog: pytest.LogCaptureFixture
) -> None:
    start = asyncio.get_running_loop().time()
    logins = 0
    while await login.log_in() is not None:
        health.refused = True
        logins += 1
    assert asyncio.get_running_loop().time() - start == pytest.approx(120, abs=1)
    assert logins == 25
    assert "Check the token" in caplog.text


async def test_a_refusal_between_successes_is_not_added_to_an_old_one(login: Login, health: WatchHealth) -> None:
    for _ in range(3):
        health.refused = True
        assert await login.log_in() is not None
        health.accepted = True
        await asyncio.sleep(300)


async def test_credentials_that_cannot_be_read_are_waited_for(
    login: Login, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.answers = [KubernetesError(status=0, message="no token file"), OSError("gone")]
    assert await login.log_in() is not None
    assert "no token file" in caplog.text


async def test_closing_leaves_no_session_open(login: Login) -> None:
    info = await login.log_in()
    assert info is not None
    await login.close()
    assert info.aiohttp_session.closed


async def test_a_session_that_kopf_closes_serves_the_requests_that_are_under_way(login: Login) -> None:
    info = await login.log_in()
    assert info is not None
    await info.aiohttp_session.close()
    assert not info.aiohttp_session.closed
    await asyncio.sleep(36)
    await login.log_in()
    assert info.aiohttp_session.closed
