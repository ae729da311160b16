"""/metrics: rendered seldom, and for those who may read it."""

import asyncio
import threading

import pytest
from tests.unit.runtime.http.conftest import Answer, Serve, get, until

from hyperpod_operator.core.ports import Access
from hyperpod_operator.runtime.http import metrics_page
from hyperpod_operator.runtime.http.metrics_page import Gate, MetricsPage, Review
from hyperpod_operator.runtime.http.server import HttpServer


class Reviews:
    """The API server's part: who has a token that begins with "good" may, with "known" exists."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.held: asyncio.Event | None = None

    async def __call__(self, token: str) -> Access:
        self.asked.append(token)
        if self.held is not None:
            await self.held.wait()
        if self.away:
            raise ConnectionError("10.0.0.1 is away")
        known = token.startswith(("good", "known"))
        return Access(authenticated=known, allowed=token.startswith("good"), user="prometheus" if known else "")


@pytest.fixture
def reviews() -> Reviews:
    return Reviews()


def page(serve: Serve, review: Review | None = None) -> HttpServer:
    made = MetricsPage(snapshot=lambda: 1.0, render=lambda found: f"leader {found}\n".encode(), review=review)
    return serve(made.answer)


async def scraped(server: HttpServer, token: str = "", scheme: str = "Bearer") -> Answer:
    return await get(server, "/metrics", headers=f"Authorization: {scheme} {token}\r\n" if token else "")


async def test_metrics_are_prometheus_text(serve: Serve) -> None:
    status, headers, body = await scraped(page(serve))
    assert (status, body) == (200, "leader 1.0\n")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_another_page_is_not_found(serve: Serve) -> None:
    assert (await get(page(serve), "/healthz"))[0] == 404


async def test_a_second_of_scrapes_is_one_rendering_and_off_the_main_thread(serve: Serve) -> None:
    rendered = []

    def render(_: float) -> bytes:
        rendered.append(threading.current_thread())
        return b"x\n"

    server = serve(MetricsPage(snapshot=lambda: 1.0, render=render, review=None).answer)
    await asyncio.gather(*(scraped(server) for _ in range(20)))
    assert len(rendered) == 1
    assert rendered[0] is not threading.current_thread()


async def test_a_scrape_a_second_later_is_rendered_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "AGE", 0.0)
    counted = iter(range(100))
    server = serve(
        MetricsPage(snapshot=lambda: 1.0, render=lambda _: f"{next(counted)}\n".encode(), review=None).answer
    )
    first, second = (await scraped(server))[2], (await scraped(server))[2]
    assert first != second


async def test_who_may_get_the_page_gets_it(serve: Serve, reviews: Reviews) -> None:
    assert (await scraped(page(serve, reviews), "good"))[0] == 200


@pytest.mark.parametrize(("token", "scheme"), [("", ""), ("good", "Basic"), ("nobody", "Bearer")])
async def test_who_is_nobody_is_asked_for_a_token(serve: Serve, reviews: Reviews, token: str, scheme: str) -> None:
    status, headers, body = await scraped(page(serve, reviews), token, scheme)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "leader" not in body


async def test_without_a_token_the_api_server_is_not_asked(serve: Serve, reviews: Reviews) -> None:
    await scraped(page(serve, reviews))
    assert reviews.asked == []


async def test_who_may_not_is_told_what_to_grant(serve: Serve, reviews: Reviews) -> None:
    status, _, body = await scraped(page(serve, reviews), "known")
    assert status == 403
    assert 'prometheus may not read this: grant it "get" of the non-resource URL /metrics' in body


async def test_an_answer_is_remembered(serve: Serve, reviews: Reviews) -> None:
    server = page(serve, reviews)
    for token in ("good", "nobody", "good", "nobody"):
        await scraped(server, token)
    assert reviews.asked == ["good", "nobody"]


async def test_an_answer_is_asked_for_again_some_time(
    serve: Serve, reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_page, "ALLOWED", 0.0)
    server = page(serve, reviews)
    await scraped(server, "good")
    await scraped(server, "good")
    assert reviews.asked == ["good", "good"]


async def test_an_api_server_that_is_away_opens_nothing_and_is_not_remembered(serve: Serve, reviews: Reviews) -> None:
    server, reviews.away = page(serve, reviews), True
    status, _, body = await scraped(server, "good")
    assert status == 503
    assert "10.0.0.1" not in body
    reviews.away = False
    assert (await scraped(server, "good"))[0] == 200


async def test_one_token_at_once_is_one_review(serve: Serve, reviews: Reviews) -> None:
    server = page(serve, reviews)
    answers = await asyncio.gather(*(scraped(server, "good") for _ in range(10)))
    assert {answer[0] for answer in answers} == {200}
    assert reviews.asked == ["good"]


async def test_a_flood_of_tokens_is_a_bounded_number_of_reviews(serve: Serve, reviews: Reviews) -> None:
    reviews.held = asyncio.Event()
    server = page(serve, reviews)
    asking = [asyncio.create_task(scraped(server, f"nobody{number}")) for number in range(20)]
    await until(lambda: sum(task.done() for task in asking) == len(asking) - metrics_page.MOST_REVIEWS)
    assert {task.result()[0] for task in asking if task.done()} == {429}
    reviews.held.set()
    assert [answer[0] for answer in await asyncio.gather(*asking)].count(401) == len(reviews.asked)


async def test_what_is_remembered_is_bounded(reviews: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "REVIEWS_PER_SECOND", 1e6)
    gate = Gate(reviews, owner=asyncio.get_running_loop())
    for number in range(metrics_page.MOST_TOKENS + 10):
        await gate._access(f"nobody{number}")
    assert gate.size == metrics_page.MOST_TOKENS


async def test_a_flood_of_tokens_pushes_out_nobody_who_may(reviews: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_page, "REVIEWS_PER_SECOND", 1e6)
    gate = Gate(reviews, owner=asyncio.get_running_loop())
    for token in ("good", *(f"nobody{number}" for number in range(metrics_page.MOST_TOKENS + 1)), "good"):
        await gate._access(token)
    assert reviews.asked.count("good") == 1


async def test_who_was_allowed_is_reviewed_again_in_the_middle_of_a_flood(
    serve: Serve, reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_page, "ALLOWED", 0.0)
    server = page(serve, reviews)
    assert (await scraped(server, "good"))[0] == 200
    reviews.held = asyncio.Event()
    flood = [asyncio.create_task(scraped(server, f"nobody{number}")) for number in range(20)]
    await until(lambda: sum(task.done() for task in flood) == len(flood) - metrics_page.MOST_REVIEWS)
    again = asyncio.create_task(scraped(server, "good"))
    await until(lambda: reviews.asked.count("good") == 2 or again.done())
    reviews.held.set()
    assert (await again)[0] == 200
    await asyncio.gather(*flood)
