"""The edge, over a real connection: headers, errors, connections that the server closed, proxies."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.plugin.wire import Wire, serving

from kubectl_hyperpod.cluster.api import Api, DeniedError, MissingError, NotServedError, Resource
from kubectl_hyperpod.cluster.credentials import Credentials, credentials
from kubectl_hyperpod.cluster.kubeconfig import Target
from kubectl_hyperpod.cluster.transport import HttpTransport
from kubectl_hyperpod.errors import CommandError, RefusedError

THINGS = Resource(group="g", version="v1", plural="things")
AT = "/apis/g/v1/namespaces/n/things"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


Client = Callable[..., Api]


@pytest.fixture
def api() -> Iterator[Client]:
    """Makes clients, and closes their connections afterwards."""
    made: list[HttpTransport] = []

    def client(url: str, *, env: dict[str, str] | None = None, **members: object) -> Api:
        target = Target(server=url, **members)  # type: ignore[arg-type]
        made.append(HttpTransport(target, lambda: credentials(target), env=env or {}))
        return Api(made[-1])

    yield client
    for one in made:
        one.close()


def test_an_object_is_read_with_the_token(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, {"kind": "Thing"})
    assert api(wire.url, token="t").get(THINGS, namespace="n", name="a") == {"kind": "Thing"}
    assert wire.headers("Authorization") == ["Bearer t"]


@pytest.fixture
def renewing(wire: Wire) -> Iterator[HttpTransport]:
    """Has the token `old` at first, and `new` after that, as from a plugin."""
    tokens = iter(["old", "new", "newer"])
    made = HttpTransport(
        Target(server=wire.url), lambda: Credentials(headers={"Authorization": f"Bearer {next(tokens)}"}), env={}
    )
    yield made
    made.close()


def test_a_token_that_ran_out_is_renewed(wire: Wire, renewing: HttpTransport) -> None:
    wire.answers[f"{AT}/a"], wire.expired = (200, {"kind": "Thing"}), "old"
    assert Api(renewing).get(THINGS, namespace="n", name="a") == {"kind": "Thing"}
    assert wire.headers("Authorization") == ["Bearer new"]


def test_a_token_that_ran_out_is_renewed_for_a_watch(wire: Wire, renewing: HttpTransport) -> None:
    wire.answers[AT], wire.expired = (200, '{"type": "DELETED", "object": {}}\n'), "old"
    assert list(Api(renewing).watch(THINGS, namespace="n", name="a", version="1", timeout=1)) == [("DELETED", {})]


def test_credentials_that_stay_the_same_are_not_tried_again(wire: Wire, api: Client) -> None:
    wire.expired = "t"
    with pytest.raises(RefusedError):
        api(wire.url, token="t").get(THINGS, namespace="n", name="a")
    assert len(wire.asked) == 1


def test_the_time_is_that_of_the_server(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, {})
    client = api(wire.url)
    assert client.server_time is None
    client.get(THINGS, namespace="n", name="a")
    assert client.server_time is not None
    assert abs(datetime.now(UTC) - client.server_time) < timedelta(minutes=1)


def test_each_group_is_a_header_of_its_own(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, {})
    groups = {"Impersonate-User": ("jane",), "Impersonate-Group": ("a", "b")}
    api(wire.url, impersonate=groups).get(THINGS, namespace="n", name="a")
    assert wire.headers("Impersonate-Group") == ["a", "b"]


@pytest.mark.parametrize("token", ["secret\nvalue", "secr€t"])
def test_a_token_that_no_header_takes_is_not_shown(wire: Wire, api: Client, token: str) -> None:
    with pytest.raises(CommandError) as caught:
        api(wire.url, token=token).get(THINGS, namespace="n", name="a")
    assert "The header Authorization cannot be sent" in str(caught.value)
    assert "secr" not in str(caught.value)
    assert caught.value.__suppress_context__  # a traceback would have the value


@pytest.mark.parametrize("url", ["http://127.0.0.1:abc", "http://127.0.0.1:99999", "https://", "ftp://a"])
def test_a_url_of_no_server_is_a_sentence(api: Client, url: str) -> None:
    with pytest.raises(CommandError, match="is not the URL of an API server"):
        api(url)


def test_a_proxy_with_a_port_that_is_no_number_is_a_sentence(api: Client) -> None:
    with pytest.raises(CommandError, match="port that is no number"):
        api("https://a:443", env={"HTTPS_PROXY": "http://proxy:abc"}).get(THINGS, namespace="n", name="a")


def test_a_server_behind_a_path_is_asked_there(wire: Wire, api: Client) -> None:
    wire.answers[f"/k8s/clusters/c-1{AT}/a"] = (200, {"kind": "Thing"})
    assert api(f"{wire.url}/k8s/clusters/c-1").get(THINGS, namespace="n", name="a") == {"kind": "Thing"}


def test_all_pages_are_read(wire: Wire, api: Client) -> None:
    wire.answers[AT] = (200, {"items": [{"n": 1}], "metadata": {}})
    assert api(wire.url).list(THINGS, namespace="n", fields="a=b") == [{"n": 1}]
    assert wire.asked[-1][1] == f"{AT}?limit=500&fieldSelector=a%3Db"


def test_a_patch_is_a_merge_patch(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, {})
    api(wire.url).merge(THINGS, {"spec": {}}, namespace="n", name="a")
    assert wire.headers("Content-Type") == ["application/merge-patch+json"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"message": "things a not found", "details": {"name": "a"}}, MissingError),
        (404, {"message": "the server could not find the requested resource", "details": {}}, NotServedError),
        (404, "404 page not found", NotServedError),
        (403, {"message": "forbidden"}, DeniedError),
        (401, {"message": "Unauthorized"}, RefusedError),
        (500, "oops", RefusedError),
    ],
)
def test_refusals_are_told_apart(wire: Wire, status: int, body: object, kind: type[Exception], api: Client) -> None:
    wire.answers[f"{AT}/a"] = (status, body)
    with pytest.raises(kind):
        api(wire.url).get(THINGS, namespace="n", name="a")


def test_an_answer_that_is_no_object_is_a_sentence(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, "<html>")
    with pytest.raises(CommandError, match="not a Kubernetes object"):
        api(wire.url).get(THINGS, namespace="n", name="a")


def test_a_server_that_is_away_is_a_sentence(api: Client) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(CommandError, match="cannot be reached: Connection refused"):
        api(url, context="c").get(THINGS, namespace="n", name="a")


def test_no_server_of_that_name_is_a_sentence(api: Client) -> None:
    with pytest.raises(CommandError, match="cannot be resolved"):
        api("https://no-such-host.invalid").get(THINGS, namespace="n", name="a")


@pytest.mark.parametrize("url", ["one", "ftp://one", "https://"])
def test_an_odd_url_is_a_sentence(url: str, api: Client) -> None:
    with pytest.raises(CommandError, match="is not the URL of an API server"):
        api(url)


def test_plain_text_in_place_of_tls_is_a_sentence(wire: Wire, api: Client) -> None:
    with pytest.raises(CommandError, match="cannot be reached"):
        api(wire.url.replace("http:", "https:")).get(THINGS, namespace="n", name="a")


def test_a_proxy_is_asked_to_connect(wire: Wire, api: Client) -> None:
    with pytest.raises(CommandError, match="cannot be reached"):
        api("https://server.invalid", proxy=wire.url.replace("//", "//u:p@")).get(THINGS, namespace="n", name="a")


def test_a_proxy_that_is_exempt_is_not_used(wire: Wire, api: Client) -> None:
    wire.answers[f"{AT}/a"] = (200, {"kind": "Thing"})
    env = {"HTTP_PROXY": "http://no-such-proxy.invalid:1", "NO_PROXY": "127.0.0.1"}
    assert api(wire.url, env=env).get(THINGS, namespace="n", name="a") == {"kind": "Thing"}


def test_an_odd_certificate_is_a_sentence(api: Client) -> None:
    with pytest.raises(CommandError, match="certificate-authority is not a PEM certificate"):
        api("https://one.invalid", ca=b"junk").get(THINGS, namespace="n", name="a")
