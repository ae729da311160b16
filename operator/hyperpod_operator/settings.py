"""How the operator is configured: validated once at start, then passed on as frozen data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.preflight.modes import ENFORCE
from hyperpod_operator.core.tenancy import Tenancy
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.runtime.http.address import BindAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that flags and environment can say. Empty strings mean "as the surroundings say"."""

    kubeconfig: str = ""
    context: str = ""
    namespaces: tuple[str, ...] = ()
    region: str = ""
    allowed_regions: frozenset[str] = frozenset()
    allow_unknown_region: bool = False
    tenancy: Tenancy = field(default_factory=Tenancy)
    leader_election: bool = True
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    workers: int = 16
    node_health: bool = True
    volumes: bool = True
    node_operations: bool = True
    node_writes_per_second: float = 200.0
    aws_reads_per_second: float = 5.0
    aws_writes_per_second: float = 2.0
    health_probe_address: BindAddress | None = field(default_factory=lambda: BindAddress(port=8081))
    """Where /healthz and /readyz are; None: nowhere."""
    metrics_address: BindAddress | None = field(default_factory=lambda: BindAddress(port=8080))
    """Where /metrics is; None: nowhere."""
    metrics_cert_path: Path | None = None
    """Directory with tls.crt and tls.key; None: plain HTTP."""
    metrics_auth: bool = False
    """Whether the API server is asked who may read /metrics."""
    otlp_endpoint: str = ""
    """Where traces go; empty: nowhere."""
    state_dir: str = ""
    """Directory for marks that outlive a crash of the process; empty: none."""
    audit_file: str = ""
    """File to which each changing call is appended as one line of JSON; empty: none."""
    log_format: Literal["json", "text"] = "json"
    log_level: str = "INFO"
    preflight: str = ENFORCE
    """What failed checks do to clusters that do not choose: Enforce, Warn or Off."""
    cost: bool = True
    """Whether status.cost is computed."""
    prices: PriceList | None = None
    """Where prices come from; None: AWS's price list."""
    timings: Timings = field(default_factory=Timings)
    known: tuple[Kind, ...] = KINDS
    """The kinds that this operator has controllers for."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that are served: those without a switch, and those whose switch is on."""
        return tuple(kind for kind in self.known if not kind.switch or getattr(self, kind.setting))
