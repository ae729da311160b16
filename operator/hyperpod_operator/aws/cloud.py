"""AWS by region: one session and its threads, and per service and region a client and a limiter for reads and for
writes.

The clients are botocore's: boto3 adds resources and transfers to S3, which nothing here uses; they load slowly.
"""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from hyperpod_operator import __version__
from hyperpod_operator.aws.call.answers import check, text, unknown
from hyperpod_operator.aws.call.caller import Caller, OnCall
from hyperpod_operator.aws.call.classify import classify
from hyperpod_operator.aws.call.keys import SigningKeys
from hyperpod_operator.aws.call.limiter import READS, WRITES, Limiter, RateLimit
from hyperpod_operator.aws.call.threads import Threads
from hyperpod_operator.aws.call.times import read_timestamps_fast
from hyperpod_operator.aws.call.wire import ask_before_sending
from hyperpod_operator.aws.endpoints import overridden
from hyperpod_operator.aws.facts.gather import SERVICES, AwsFacts
from hyperpod_operator.aws.facts.plans import AwsTrainingPlans
from hyperpod_operator.aws.facts.prices import ENDPOINTS, AwsPrices
from hyperpod_operator.aws.models import ReducedModels
from hyperpod_operator.aws.sagemaker.clusters import SageMaker
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.location import Location, location_of

if TYPE_CHECKING:
    from hyperpod_operator.aws.ec2.volumes import Volumes

ACCOUNT = re.compile(r"[0-9]{12}")
ACCOUNT_PAUSE = 60.0
"""Seconds between questions to an STS that does not answer."""
UNSEEN = 900.0
"""Seconds without a request after which STS is asked again: no refresh was seen then. Settled objects send more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """`region` empty means botocore's own chain (AWS_REGION, profile). Timeouts in seconds."""

    region: str = ""
    threads: int = 16
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    reads: RateLimit = READS
    writes: RateLimit = WRITES
    read_attempts: int = 2
    """Times that a read is sent until it is answered; a write is sent once."""
    before_write: Callable[[], None] = lambda: None
    """Called in the sending thread before a mutating request leaves (`call/wire.py`); it raises to stop it."""
    whose: Callable[[], str] = lambda: ""
    """For which namespace a call is made: they share the rate limit in turn."""

    @classmethod
    def of_a_command(cls, *, region: str) -> "CloudSettings":
        """A person waits, for at most a few hundred reads; the operator has its own share of the account's rate. A
        pass comes again, and a command does not: one read of hundreds that is throttled is no reason to begin again."""
        return cls(region=region, connect_timeout=3.0, reads=RateLimit(rate=8.0, burst=16), read_attempts=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the credentials are (STS GetCallerIdentity)."""

    account: str
    arn: str


class AwsCloud:
    """Implements `core.ports.Cloud` and `core.volume.ports.VolumeClouds`.

    Endpoints, credentials and proxies are botocore's business alone. Raises CloudError where its configuration cannot
    be used: a profile that does not exist, a file that cannot be parsed.
    """

    def __init__(self, *, settings: CloudSettings, on_call: OnCall) -> None:
        self._settings = settings
        self._on_call = on_call
        self._session = _configured()
        self._threads = Threads(settings.threads)
        loader = self._session.get_component("data_loader")
        self._session.register_component("data_loader", ReducedModels(loader))
        read_timestamps_fast(self._session)
        self._session_lock = Lock()
        self._partition("")  # Loads the table of endpoints: threads and the event loop both use it from here on.
        self._keys = SigningKeys()
        self._account, self._arn, self._account_key = "", "", ""
        self._ask_account_at, self._asked_with = 0.0, ""
        self._callers: dict[tuple[str, str], Caller] = {}
        self._clusters: dict[str, SageMaker] = {}
        self._volumes: dict[str, Volumes] = {}
        self._facts: dict[str, AwsFacts] = {}
        self._prices = AwsPrices(caller=lambda region: self._caller("pricing", region), partition=self._partition)
        self._training_plans = AwsTrainingPlans(caller=lambda region: self._caller("sagemaker", region))

    @property
    def region(self) -> str:
        """The installation's own region; empty when none is configured anywhere."""
        return self._settings.region or self._session.get_config_variable("region") or ""

    def overridden_endpoints(self) -> Mapping[str, str]:
        """Services whose calls go elsewhere than to AWS, with the URL."""
        return overridden(self._session)

    def clusters(self, *, region: str) -> SageMaker:
        """HyperPod in a region; an empty one is the installation's own."""
        name = region or self.region
        if name not in self._clusters:
            self._clusters[name] = SageMaker(self._caller("sagemaker", name), saw=self._saw)
        return self._clusters[name]

    def volumes(self, *, region: str) -> "Volumes":
        """EBS volumes and attachments in a region (empty: our own), under the same rate limit as its clusters."""
        from hyperpod_operator.aws.ec2.volumes import Volumes  # commands about clusters alone do without

        name = region or self.region
        if name not in self._volumes:
            self._volumes[name] = Volumes(ec2=self._caller("ec2", name), hyperpod=self._caller("sagemaker", name))
        return self._volumes[name]

    def facts(self, *, region: str) -> AwsFacts:
        """What preflight reads in a Region; an empty one is our own."""
        name = region or self.region
        if name not in self._facts:
            self._facts[name] = AwsFacts(caller=lambda service: self._caller(service, name), identity=self._caller_arn)
        return self._facts[name]

    @property
    def prices(self) -> AwsPrices:
        """AWS's price list, for all Regions."""
        return self._prices

    @property
    def training_plans(self) -> AwsTrainingPlans:
        """Training plans, for all Regions."""
        return self._training_plans

    async def _caller_arn(self) -> str:
        return (self._arn if self._account_known else "") or (await self.identity()).arn

    async def warm_up(self) -> None:
        """Make the clients of the own region now: loading the service model is the slowest part of a first call."""
        if self.region:
            await self.clusters(region="").warm_up()

    async def warm_up_checks(self, *, preflight: bool, prices: bool) -> None:
        """Make the clients by which prices and checks are read, in the order in which a creation asks them, and read
        what stands for an hour, before the first object needs it.

        Whatever fails shows when it is used.
        """
        endpoint = ENDPOINTS.get(self._partition(self.region)) if prices else None
        callers = [self._caller("pricing", endpoint)] if endpoint is not None else []
        callers += [self._caller(service, self.region) for service in SERVICES] if preflight else []
        for caller in callers if self.region else ():
            with suppress(CloudError):
                await caller.client(mutating=False)
        if preflight and self.region:
            await self.facts(region="").prepare()

    async def identity(self) -> Identity:
        """Who we are, asked at start so that bad credentials show at once. Raises CloudError."""
        if not self.region:
            raise CloudError(
                kind=ErrorKind.CREDENTIALS,
                operation="GetCallerIdentity",
                code="NoRegion",
                message="no AWS region is configured; set --region or AWS_REGION",
            )
        caller = self._caller("sts", self.region)
        answer = await caller.read("GetCallerIdentity", lambda client: client.get_caller_identity(), target="caller")
        check(answer, operation="GetCallerIdentity", members=(text("Account"), text("Arn")))
        if not ACCOUNT.fullmatch(answer["Account"]):
            raise unknown(operation="GetCallerIdentity", what="Account is not the number of an account")
        self._account, self._arn, self._account_key = answer["Account"], answer["Arn"], self._keys.of("sts")
        return Identity(account=answer["Account"], arn=answer["Arn"])

    async def location(self, *, region: str) -> Location:
        """Where calls to a region go. The account is that of the credentials: STS is asked until it answers, or a
        cluster shows, and again when the credentials were refreshed, because those may be another account's.

        GetCallerIdentity needs no permission (IAM User Guide). While STS does not answer it is asked again every
        ACCOUNT_PAUSE seconds, and the account is empty.
        """
        name, now, key = region or self.region, time.monotonic(), self._keys.newest
        # Who sends nothing, as where all objects are of another account, sees no refresh.
        unseen = bool(self._arn) and now >= self._keys.sent_at + UNSEEN
        doubted = not self._account_known and (now >= self._ask_account_at or key != self._asked_with)
        if doubted or (unseen and now >= self._ask_account_at):
            self._ask_account_at, self._asked_with = now + ACCOUNT_PAUSE, key
            with suppress(CloudError):
                await self.identity()
        account = self._account if self._account_known else ""
        return Location(partition=self._partition(name), region=name, account=account)

    @property
    def _account_known(self) -> bool:
        """Whether the account is that of the credentials with which the last request was signed."""
        return bool(self._account) and self._account_key == self._keys.newest

    def _saw(self, arn: str) -> None:
        """DescribeCluster finds clusters of its own account alone, so any of them tells which account that is."""
        account = location_of(arn).account
        if account and not self._account_known:
            self._account, self._arn, self._account_key = account, "", self._keys.of("sagemaker")

    def _partition(self, region: str) -> str:
        try:
            return str(self._session.get_partition_for_region(region))
        except BotoCoreError:
            return ""  # a Region that this botocore does not know

    def close(self) -> None:
        """Let the calls in flight end; new ones are refused."""
        self._threads.close()

    def _caller(self, service: str, region: str) -> Caller:
        """One per service and region, whoever calls: the rate limit is the account's."""
        if (service, region) not in self._callers:
            self._callers[service, region] = self._new_caller(service, region)
        return self._callers[service, region]

    def _new_caller(self, service: str, region: str) -> Caller:
        settings = self._settings
        return Caller(
            service=service,
            region=region,
            make=partial(self._client, service, region),
            threads=self._threads,
            reads=Limiter(settings.reads, monotonic=time.monotonic, group=settings.whose),
            writes=Limiter(settings.writes, monotonic=time.monotonic, group=settings.whose),
            on_call=self._on_call,
        )

    def _client(self, service: str, region: str, *, mutating: bool) -> Any:
        """Runs in a thread, one at a time: clients are safe to share between threads, their session is not (boto3
        documentation, "Multithreading or multiprocessing with clients").

        One session for all of them: it takes as long to make as a client, and holds the credentials, which are then
        fetched and refreshed once.
        """
        config = self._config(attempts=1 if mutating else self._settings.read_attempts)
        try:
            with self._session_lock:
                client = self._session.create_client(service, region_name=region, config=config)
        except Exception as error:
            raise classify(error, operation="Connect", mutating=False) from error
        self._keys.follow(client, service=service)
        if mutating:
            ask_before_sending(client, self._settings.before_write)
        return client

    def _config(self, *, attempts: int) -> Any:
        return Config(
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=self._settings.threads,
            user_agent_extra=f"hyperpod-operator/{__version__}",
        )


def _configured() -> Session:
    session = Session()
    try:
        session.get_scoped_config()
    except BotoCoreError as error:
        said = CloudError(
            kind=ErrorKind.CREDENTIALS, operation="AWS configuration", code=type(error).__name__, message=str(error)
        )
        raise said from error
    return session
