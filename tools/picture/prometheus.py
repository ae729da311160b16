"""A Prometheus that scrapes one operator, for as long as a scene lasts."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hyperpod_testbed.control_plane.tools import tool
from hyperpod_testbed.processes import Child, free_ports

READY_SECONDS = 60.0

_CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: hyperpod-operator
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class PrometheusError(RuntimeError):
    """Prometheus did not start or refused a query; the message has its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a graph: its labels, and its points as seconds since the epoch and value."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """Built if need be, started by `with`; keeps its data and log in `directory`."""

    def __init__(self, *, scraped_port: int, directory: Path) -> None:
        (self._port,) = free_ports(1)
        self._directory = directory
        self._scraped = scraped_port

    def __enter__(self) -> Self:
        configuration = self._directory / "prometheus.yaml"
        configuration.write_text(_CONFIGURATION.format(port=self._scraped))
        command: list[str | Path] = [
            tool("prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._directory / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=warn",
        ]
        log = self._directory / "prometheus.log"
        self._child = Child("prometheus", command, log=log, env={"HOME": str(self._directory)})
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if not self._child.running or time.monotonic() > deadline:
                self._child.stop()
                raise PrometheusError(f"Prometheus is not ready. The end of {log}:\n{self._child.tail()}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()

    def series(self, query: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """What a query gives between two moments, a point every `step` seconds."""
        asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{asked}", timeout=30) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"Prometheus refused {query}: {error.read().decode()}") from error
        return tuple(
            Series(labels=one["metric"], points=tuple((float(at), float(value)) for at, value in one["values"]))
            for one in found
        )

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
