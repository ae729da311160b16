"""The audit of what is shipped, against a database that the test plays."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tools.supply import audit
from tools.supply.__main__ import main
from tools.supply.audit import LOCKS, Package, of_lock, of_sbom

from hyperpod_testbed.stack import ROOT


class Database:
    """OSV's part. `known` is what it knows, `answer` what it says instead."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], list[str]] = {}
        self.answer: tuple[int, bytes] | None = None
        self.queries: list[dict[str, Any]] = []
        self.url = ""

    def result(self, query: dict[str, Any]) -> dict[str, Any]:
        """One vulnerability a page."""
        ids = self.known.get((query["package"]["name"], query["version"]), [])
        page = int(query.get("page_token", 0))
        if not ids:
            return {}
        more = {"next_page_token": str(page + 1)} if page + 1 < len(ids) else {}
        return {"vulns": [{"id": ids[page]}], **more}


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            made.queries += asked
            status, body = made.answer or (200, json.dumps({"results": [made.result(one) for one in asked]}).encode())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "x.lock"
    path.write_text(
        'Fine==1.0 \\\n    --hash=sha256:00\nbad[extra]==2.0 ; python_version < "4" \\\n    --hash=sha256:01\n'
    )
    return path


def audited(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, args)])


def test_without_a_vulnerability_it_ends_well(database: Database, lock: Path) -> None:
    done = audited("--lock", lock, "--url", database.url)
    assert (done.exit_code, done.output) == (0, "2 packages, no known vulnerability.\n")
    assert [(one["package"], one["version"]) for one in database.queries] == [
        ({"ecosystem": "PyPI", "name": "bad"}, "2.0"),
        ({"ecosystem": "PyPI", "name": "fine"}, "1.0"),
    ]


def test_a_vulnerability_ends_it_with_1_and_its_page(database: Database, lock: Path) -> None:
    database.known["bad", "2.0"] = ["GHSA-1", "PYSEC-2"]
    done = audited("--lock", lock, "--url", database.url)
    assert done.exit_code == audit.VULNERABLE
    assert "bad 2.0: https://osv.dev/GHSA-1, https://osv.dev/PYSEC-2\n" in done.output


def test_what_does_not_concern_us_is_left_out_by_its_id(database: Database, lock: Path) -> None:
    database.known["bad", "2.0"] = ["GHSA-1"]
    assert audited("--lock", lock, "--url", database.url, "--ignore", "GHSA-1").exit_code == 0
    assert audited("--lock", lock, "--url", database.url, "--ignore", "GHSA-2").exit_code == audit.VULNERABLE


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"results": []}'),
        (200, b'{"results": [1, 2]}'),
        (200, b"[]"),
    ],
)
def test_an_answer_that_says_nothing_is_not_taken_for_good(
    database: Database, lock: Path, answer: tuple[int, bytes]
) -> None:
    database.answer = answer
    done = audited("--lock", lock, "--url", database.url)
    assert done.exit_code == audit.UNKNOWN
    assert "NOT AUDITED" in done.output
    assert "Nothing is known" in done.output


def test_a_database_that_is_away_is_said_and_may_be_tolerated(lock: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    assert audited("--lock", lock, "--url", nowhere).exit_code == audit.UNKNOWN
    done = audited("--lock", lock, "--url", nowhere, "--unreachable=warn")
    assert done.exit_code == 0
    assert "NOT AUDITED" in done.output


def test_pages_without_end_are_given_up(database: Database, lock: Path) -> None:
    database.known["bad", "2.0"] = [f"GHSA-{number}" for number in range(audit.MOST_PAGES + 1)]
    assert audited("--lock", lock, "--url", database.url).exit_code == audit.UNKNOWN


def test_a_bill_of_materials(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    purls = ["pkg:pypi/bad@2.0", "pkg:pypi/Fine@1.0?checksum=x", "pkg:deb/debian/bash@5", "pkg:pypi/none"]
    path.write_text(json.dumps({"components": [{"purl": purl} for purl in purls] + [{"name": "x"}]}))
    database.known["bad", "2.0"] = ["GHSA-1"]
    assert of_sbom(path) == [Package(name="bad", version="2.0"), Package(name="fine", version="1.0")]
    assert audited("--sbom", path, "--url", database.url).exit_code == audit.VULNERABLE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"components": []}', "no json"])
def test_an_empty_bill_is_not_a_clean_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sbom.json"
    path.write_text(text)
    assert audited("--sbom", path).exit_code == audit.UNKNOWN


def test_every_package_of_the_locks_is_asked_about() -> None:
    for lock in LOCKS:
        pinned = [line for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert len(of_lock(lock)) == len(pinned) > 0
    assert {lock.name for lock in LOCKS} <= {path.name for path in ROOT.glob("requirements*.lock")}
