"""The command `hyperpod-operator`: run | crds | policies | preflight | export | plan | version.

Every option of `run` can also be given as an environment variable, HYPERPOD_OPERATOR_ and the option's name.
"""

import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hyperpod_operator import __version__
from hyperpod_operator.cli.export import export
from hyperpod_operator.cli.imports import loading
from hyperpod_operator.cli.plan import plan
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.preflight.modes import ENFORCE, MODES
from hyperpod_operator.core.timings import Timings

if TYPE_CHECKING:
    from hyperpod_operator.runtime.http.address import BindAddress

DEFAULT = Timings()
LEASE = LeaseSettings()
SECONDS = click.FloatRange(min=0, min_open=True, max=86_400)
NAMESPACE = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123 label, as the API server has it for namespaces."""
CONFIGURATION_FAULT = 2
"""Exit code when something that the operator needs is missing or wrong."""
CHECKS_FAILED = 2
"""Exit code of `preflight` when a check failed."""
UNREADABLE = 1
"""Exit code of `preflight` when AWS could not be read."""
WATCH_ENDED = 1
"""Exit code when changes of objects do not reach the operator any more: a new process starts a new watch."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "HYPERPOD_OPERATOR"})
@click.version_option(__version__, prog_name="hyperpod-operator", message="%(prog)s %(version)s")
def main() -> None:
    """Kubernetes operator for Amazon SageMaker HyperPod clusters on Amazon EKS."""


@main.command()
@click.option("--kubeconfig", default="", help="Kubeconfig file; default: KUBECONFIG, the pod's own, ~/.kube/config.")
@click.option("--context", default="", help="Context of the kubeconfig; default: its current one.")
@click.option("--namespace", "namespaces", multiple=True, help="Namespace to watch; repeatable. Default: all.")
@click.option(
    "--region",
    default="",
    envvar=["HYPERPOD_OPERATOR_REGION", "AWS_REGION"],
    help="AWS region; default: AWS_REGION or the profile's.",
)
@click.option(
    "--allowed-region", "allowed_regions", multiple=True, help="Further Region that spec.region may name; repeatable."
)
@click.option("--allow-unknown-region/--no-allow-unknown-region", default=False, show_default=True,
              help="Start even if this version does not know a Region.")  # fmt: skip
@click.option("--tenants", type=click.Path(path_type=Path), default=None,
              help="File that lists the roles, keys, S3 prefixes, ... that each namespace may name.")  # fmt: skip
@click.option("--leader-election/--no-leader-election", default=True, show_default=True,
              help="Elect one leader among the replicas with a Lease. If disabled, run a single replica.")  # fmt: skip
@click.option("--lease-namespace", default="", help="Namespace of the Lease; default: the pod's, else `default`.")
@click.option("--lease-name", default=LEASE.name, show_default=True,
              help="Name of the Lease; must be unique per installation in a namespace.")  # fmt: skip
@click.option("--lease-duration", type=SECONDS, default=LEASE.duration, show_default=True,
              help="Seconds without renewal after which another replica becomes the leader.")  # fmt: skip
@click.option("--renew-deadline", type=SECONDS, default=LEASE.renew_deadline, show_default=True,
              help="Seconds without renewal after which the leader stops writing and exits.")  # fmt: skip
@click.option("--retry-period", type=SECONDS, default=LEASE.retry_period, show_default=True,
              help="Seconds between renewals of the Lease.")  # fmt: skip
@click.option(
    "--workers",
    type=click.IntRange(1, 100),
    default=32,
    show_default=True,
    help="Maximum number of concurrent reconciles per kind.",
)
@click.option("--aws-reads-per-second", type=click.FloatRange(0, 1000), default=5.0, show_default=True,
              help="Sustained rate limit for AWS read calls; 0 disables it.")  # fmt: skip
@click.option("--aws-writes-per-second", type=click.FloatRange(0, 1000), default=2.0, show_default=True,
              help="Sustained rate limit for AWS calls that change something; 0 disables it.")  # fmt: skip
@click.option("--preflight", type=click.Choice(MODES), default=ENFORCE, show_default=True,
              help="Default of management.preflight: what failed checks do.")  # fmt: skip
@click.option("--cost/--no-cost", default=True, show_default=True,
              help="Read AWS's price list for status.cost; needs pricing:GetProducts.")  # fmt: skip
@click.option("--price-file", type=click.Path(path_type=Path), default=None,
              help="File with prices of instance types, used instead of AWS's price list.")  # fmt: skip
@click.option("--node-health/--no-node-health", default=True, show_default=True,
              help="Manage the health taint and the labels of HyperPod Nodes; needs access to Nodes.")  # fmt: skip
@click.option("--volumes/--no-volumes", default=True, show_default=True,
              help="Reconcile EBSVolumeClaims; needs their CustomResourceDefinition and access to them.")  # fmt: skip
@click.option("--node-operations/--no-node-operations", default=True, show_default=True,
              help="Reconcile HyperPodNodeOperations; needs their CustomResourceDefinition and access.")  # fmt: skip
@click.option("--node-writes-per-second", type=click.FloatRange(min=0), default=200.0, show_default=True,
              help="Rate limit for writes to Nodes; 0 disables it.")  # fmt: skip
@click.option("--health-probe-bind-address", default=":8081", show_default=True,
              help="[HOST]:PORT of /healthz and /readyz; without a host: IPv6 and IPv4; 0 disables them.")  # fmt: skip
@click.option("--metrics-bind-address", default=":8080", show_default=True,
              help="[HOST]:PORT of /metrics; without a host: IPv6 and IPv4; 0 disables it.")  # fmt: skip
@click.option("--metrics-cert-path", type=click.Path(path_type=Path), default=None,
              help="Directory with tls.crt and tls.key to serve /metrics over TLS.")  # fmt: skip
@click.option("--metrics-auth/--no-metrics-auth", default=False, show_default=True,
              help="Authenticate and authorize /metrics with the API server; needs --metrics-cert-path.")  # fmt: skip
@click.option(
    "--otlp-endpoint", default="", help="URL of an OpenTelemetry collector (OTLP/HTTP) for traces; needs `[otel]`."
)
@click.option("--state-dir", default="",
              help="Directory that survives a crash of the process; records which objects caused one.")  # fmt: skip
@click.option("--audit-file", default="",
              help="File to which each call that changes something is appended, one JSON object a line.")  # fmt: skip
@click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), default="INFO", show_default=True
)
@click.option("--resync-seconds", type=SECONDS, default=DEFAULT.resync, show_default=True,
              help="Seconds between reconciles of a resource that is in sync.")  # fmt: skip
@click.option("--full-sync-seconds", type=SECONDS, default=DEFAULT.full_sync, show_default=True,
              help="Seconds between full syncs of a cluster, which also read its tags and nodes.")  # fmt: skip
@click.option("--poll-seconds", type=SECONDS, default=DEFAULT.poll, show_default=True,
              help="Seconds between reconciles while AWS is changing a cluster.")  # fmt: skip
@click.option("--debounce-seconds", type=SECONDS, default=DEFAULT.debounce, show_default=True,
              help="Seconds to collect further edits before the next call to AWS.")  # fmt: skip
@click.option("--propagation-window-seconds", type=SECONDS, default=DEFAULT.propagation_window, show_default=True,
              help="Seconds for which AWS may still return the state from before a change.")  # fmt: skip
@click.option("--visibility-seconds", type=SECONDS, default=DEFAULT.visibility, show_default=True,
              help="Seconds for which AWS may not return a new cluster yet.")  # fmt: skip
@click.option("--deletion-confirmation-seconds", type=SECONDS, default=DEFAULT.deletion_confirmation, show_default=True,
              help="Seconds for which a cluster must be missing before the operator considers it deleted.")  # fmt: skip
@click.option("--adoption-notice-seconds", type=SECONDS, default=DEFAULT.adoption_notice, show_default=True,
              help="Seconds between announcing what an adoption changes and adopting the cluster.")  # fmt: skip
def run(**options: Any) -> None:
    """Run the operator until SIGTERM or SIGINT."""
    # Imported here: `crds` and `version` need neither botocore nor Kopf, which take seconds to load.
    with loading():
        import uvloop

        from hyperpod_operator.app.process import StartError
        from hyperpod_operator.app.process import run as run_app
        from hyperpod_operator.core.tenancy import Tenancy
        from hyperpod_operator.core.text import plain_lines
        from hyperpod_operator.prices import PricesError, read_prices
        from hyperpod_operator.runtime.logs import configure
        from hyperpod_operator.runtime.watch import WatchEnded
        from hyperpod_operator.settings import Settings
        from hyperpod_operator.tenants import TenantsError, read_tenants

    seconds = {name.removesuffix("_seconds"): options.pop(name) for name in [*options] if name.endswith("_seconds")}
    lease = LeaseSettings(
        namespace=options.pop("lease_namespace"),
        name=options.pop("lease_name"),
        duration=options.pop("lease_duration"),
        renew_deadline=options.pop("renew_deadline"),
        retry_period=options.pop("retry_period"),
    )
    if problem := lease.problem():
        raise click.UsageError(problem)
    options["health_probe_address"] = _address(options.pop("health_probe_bind_address"), "--health-probe-bind-address")
    options["metrics_address"] = _address(options.pop("metrics_bind_address"), "--metrics-bind-address")
    if options["metrics_auth"] and options["metrics_cert_path"] is None:
        raise click.UsageError(
            "--metrics-auth needs --metrics-cert-path: without TLS, tokens would be readable in transit."
        )
    for namespace in options["namespaces"]:
        if not NAMESPACE.fullmatch(namespace):
            raise click.BadParameter(
                f"{namespace!r} is not the name of a namespace (lower-case letters, digits and hyphens, 63 at most).",
                param_hint="--namespace",
            )
    options["allowed_regions"] = frozenset(options["allowed_regions"])
    try:
        tenants = options.pop("tenants")
        options["tenancy"] = read_tenants(tenants) if tenants else Tenancy()
    except TenantsError as error:
        raise click.UsageError(str(error)) from error
    price_file = options.pop("price_file")
    if price_file is not None and not options["cost"]:
        raise click.UsageError("--price-file and --no-cost exclude each other: set one of them.")
    try:
        options["prices"] = read_prices(price_file) if price_file is not None else None
    except PricesError as error:
        raise click.UsageError(str(error)) from error
    settings = Settings(**options, lease=lease, timings=Timings(**seconds))
    configure(log_format=settings.log_format, level=settings.log_level)
    try:
        uvloop.run(run_app(settings))
    except StartError as error:
        click.echo(f"hyperpod-operator cannot start:\n{plain_lines(str(error))}", err=True)
        sys.exit(CONFIGURATION_FAULT)
    except WatchEnded as error:
        logging.getLogger("hyperpod_operator").critical(
            "%s. This process exits, and Kubernetes restarts it; no state is lost. If this repeats, check the "
            "health of the API server.",
            error,
        )
        sys.exit(WATCH_ENDED)


def _address(text: str, flag: str) -> "BindAddress | None":
    from hyperpod_operator.runtime.http.address import BindAddress

    try:
        return BindAddress.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=flag) from error


@main.command()
@click.option("--output-dir", type=click.Path(file_okay=False), default=None, help="Write files instead of printing.")
def crds(output_dir: str | None) -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply --server-side -f -`."""
    with loading():
        import yaml

        from hyperpod_operator.api.crd import all_crds

    for name, definition in all_crds().items():
        text = yaml.safe_dump(definition, sort_keys=False, width=110, allow_unicode=True)
        _write(name, text, output_dir=output_dir)


@main.command()
@click.option("--name", default="hyperpod-operator", show_default=True,
              help="What the names of the policies begin with; each installation needs its own.")  # fmt: skip
@click.option("--namespace", default="hyperpod-operator", show_default=True, help="Namespace of the operator.")
@click.option(
    "--service-account", default="hyperpod-operator", show_default=True, help="Service account of the operator."
)
@click.option("--lease-name", default=LEASE.name, show_default=True, help="Lease for leader election.")
@click.option("--action", type=click.Choice(["Warn", "Deny"]), default="Warn", show_default=True,
              help="Action for a pod that requests a node that HyperPod never creates.")  # fmt: skip
@click.option("--instance-type", "instance_types", multiple=True,
              help="EC2 instance type, without ml., that only HyperPod nodes have; repeatable.")  # fmt: skip
@click.option("--prefix/--no-prefix", default=False, show_default=True,
              help="Include the policy that adds ml. to instance types; needs MutatingAdmissionPolicy.")  # fmt: skip
@click.option("--record-user/--no-record-user", default=False, show_default=True,
              help="Include the policy that records who approved a plan; needs MutatingAdmissionPolicy.")  # fmt: skip
@click.option("--output-dir", type=click.Path(file_okay=False), default=None, help="Write files instead of printing.")
def policies(prefix: bool, record_user: bool, output_dir: str | None, **options: Any) -> None:
    """Print the admission policies, for `kubectl apply --server-side -f -`."""
    with loading():
        import yaml

        from hyperpod_operator.api.admission import PolicySettings, all_policies

    on_request = {"prefix.yaml": prefix, "approved-by.yaml": record_user}
    for name, manifests in all_policies(PolicySettings(**options)).items():
        if not on_request.get(name, True):
            continue
        _write(name, yaml.safe_dump_all(manifests, sort_keys=False, width=110), output_dir=output_dir)


@main.command()
@click.option("-f", "--filename", "files", multiple=True, required=True,
              help="File or directory of manifests, or - for standard input; repeatable.")  # fmt: skip
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--region", default="", envvar=["HYPERPOD_OPERATOR_REGION", "AWS_REGION"],
              help="AWS Region of resources that name none; default: AWS_REGION or the profile's.")  # fmt: skip
def preflight(files: tuple[str, ...], output: str, region: str) -> None:
    """Check resources against AWS before they are applied, with your own credentials; nothing is changed.

    Exit code 0: nothing failed; 2: a check failed, or the operator would refuse a resource; 1: a file or AWS
    cannot be read, or a resource is invalid.
    """
    with loading():
        import asyncio

        from hyperpod_operator.app.documents import InputError
        from hyperpod_operator.app.preflight import check_files, printed

    try:
        reports = asyncio.run(check_files(files, region=region, stdin=sys.stdin.buffer.read))
    except InputError as error:
        raise click.ClickException(str(error)) from error
    click.echo(printed(reports, output))
    if any(report.error for report in reports):
        sys.exit(UNREADABLE)
    sys.exit(CHECKS_FAILED if any(report.failed for report in reports) else 0)


main.add_command(export)
main.add_command(plan)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


def _write(name: str, text: str, *, output_dir: str | None) -> None:
    if output_dir is None:
        click.echo(f"---\n{text}", nl=False)
        return
    from hyperpod_operator.app.files import write_whole

    try:
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        write_whole(Path(output_dir) / name, text)
    except OSError as error:
        raise click.ClickException(
            f"{Path(output_dir) / name} cannot be written: {error.strerror}. Choose another --output-dir."
        ) from error
