"""Which prerequisites an account has: found by name or ARN, made when first named, changed and removed by tests.

Whoever asks gets the same answer: the services that describe a subnet, and CreateCluster that uses it.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from hyperpod_testbed.simulator.prerequisites.defaults import Maker
from hyperpod_testbed.simulator.prerequisites.resources import (
    GLOBAL,
    KINDS,
    Bucket,
    EksCluster,
    Inventory,
    Policy,
    Role,
    SecurityGroup,
    StoredObject,
    Subnet,
)
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import DEFAULT_REGION, JSON, Region

T = TypeVar("T")

_BY_TYPE = {made: kind for kind, made in KINDS.items()}
_ARN_PREFIXES = {"eks_cluster": "cluster/", "training_plan": "training-plan/", "key": "key/", "role": "role/"}
_SERVICES = {"eks_cluster": "eks", "training_plan": "sagemaker", "key": "kms", "role": "iam"}


def find(sim: Simulation, region: Region, kind: type[T], named: str) -> T | None:
    """A resource by name or ARN; None where there is none."""
    word = _BY_TYPE[kind]
    name = own_name(sim, region.name, word, named)
    if name is None:
        return _foreign(sim, kind, named)
    if not _exists(sim, region, word, name):
        return None
    made = _made(sim, region, word, name, named=named)
    if made is None:
        return None
    found: T = replace(made, **_members(sim, region, word, name))
    return found


def _foreign(sim: Simulation, kind: type[T], named: str) -> T | None:
    """A resource of another account or region: as undeclared as a resource can be, and never changed from here."""
    word, parts = _BY_TYPE[kind], named.split(":", 5)
    prefix = _ARN_PREFIXES.get(word)
    if not undeclared_exist(sim, word) or prefix is None or len(parts) < 6 or parts[2] != _SERVICES[word]:
        return None
    region = parts[3] or DEFAULT_REGION
    made: T | None = Maker(account=parts[4], region=region, now=sim.now).make(
        word, parts[5].removeprefix(prefix).rpartition("/")[2], number=0
    )
    return made


def listed(sim: Simulation, region: Region, kind: type[T]) -> list[T]:
    """The resources of a kind that are known: those from the beginning and those that were named since."""
    word = _BY_TYPE[kind]
    maker = Maker(account=sim.account.id, region=region.name, now=sim.now)
    declared = [name for name in _wanted(sim, word) if name != "*"]
    store = _store(sim, region, word)
    known = [*maker.names(word), *declared, *(name for one, name in store.made if one == word)]
    found = (find(sim, region, kind, name) for name in dict.fromkeys(known))
    return [one for one in found if one is not None]


def change(sim: Simulation, region: Region, kind: str, named: str, members: JSON) -> None:
    """Set members of a resource; one that was removed, or that nobody declared, exists from now on."""
    _check(kind, members)
    name = _required_name(sim, region, kind, named)
    if _made(sim, region, kind, name, named=named) is None:
        raise ValueError(f"no {kind} can be called {named}")
    store = _store(sim, region, kind)
    store.decided.clear()
    store.removed.discard((kind, name))
    store.changed.setdefault((kind, name), {}).update(_plain(members))


def remove(sim: Simulation, region: Region, kind: str, named: str) -> None:
    """The resource is gone."""
    _check(kind, {})
    store = _store(sim, region, kind)
    store.decided.clear()
    store.removed.add((kind, _required_name(sim, region, kind, named)))


def restore(sim: Simulation, region: Region, kind: str, named: str) -> None:
    """The resource is as it was made."""
    _check(kind, {})
    name = _required_name(sim, region, kind, named)
    store = _store(sim, region, kind)
    store.decided.clear()
    store.removed.discard((kind, name))
    store.changed.pop((kind, name), None)


def own_name(sim: Simulation, region: str, kind: str, named: str) -> str | None:
    """The name of what an ARN or a name means; None when it is not of this account and region, or of another kind."""
    if not named.startswith("arn:") or kind == "policy":
        return named
    parts = named.split(":", 5)
    prefix = _ARN_PREFIXES.get(kind)
    if kind == "key" and parts[5:] and parts[5].startswith("alias/"):
        prefix = ""
    if prefix is None or len(parts) < 6 or parts[2] != _SERVICES[kind] or not parts[5].startswith(prefix):
        return None
    if parts[4] != sim.account.id or parts[3] not in ({""} if kind in GLOBAL else {region}):
        return None
    return parts[5].removeprefix(prefix).rpartition("/")[2] if kind == "role" else parts[5].removeprefix(prefix)


def subnet(sim: Simulation, region: Region, name: str) -> Subnet | None:
    """A subnet."""
    return find(sim, region, Subnet, name)


def security_group(sim: Simulation, region: Region, name: str) -> SecurityGroup | None:
    """A security group."""
    return find(sim, region, SecurityGroup, name)


def eks_cluster(sim: Simulation, region: Region, named: str) -> EksCluster | None:
    """An EKS cluster, by name or ARN."""
    return find(sim, region, EksCluster, named)


def role(sim: Simulation, named: str) -> Role | None:
    """A role, by name or ARN."""
    return find(sim, _anywhere(sim), Role, named)


def policy(sim: Simulation, arn: str) -> Policy | None:
    """A managed policy."""
    return find(sim, _anywhere(sim), Policy, arn)


def stored_object(sim: Simulation, region: Region, uri: str) -> StoredObject | None:
    """An object in S3, if its bucket is there."""
    bucket = find(sim, region, Bucket, uri.split("/", 3)[2])
    return find(sim, region, StoredObject, uri) if bucket else None


def undeclared_exist(sim: Simulation, kind: str) -> bool:
    """Whether there are resources of a kind that nobody declared. Instance types and AWS's policies are not declared by
    anyone."""
    return _wanted(sim, kind).get("*", {}) is not None or kind in {"offering", "policy"}


def _wanted(sim: Simulation, kind: str) -> Mapping[str, Any]:
    """What the options say about a kind, by name."""
    return {**sim.options.prerequisites.get("*", {}), **sim.options.prerequisites.get(kind, {})}


def _anywhere(sim: Simulation) -> Region:
    """A region to look for what an account has once."""
    return next(iter(sim.account.regions.values()), None) or Region("us-east-1")


def _exists(sim: Simulation, region: Region, kind: str, name: str) -> bool:
    store = _store(sim, region, kind)
    wanted = _wanted(sim, kind)
    if (kind, name) in store.removed:
        return False
    if (kind, name) in store.changed:
        return True
    if name in wanted:
        return wanted[name] is not None
    if undeclared_exist(sim, kind):
        return True
    return name in Maker(account=sim.account.id, region=region.name, now=sim.now).names(kind)


def _made(sim: Simulation, region: Region, kind: str, name: str, *, named: str) -> Any:
    """The resource as it was made; always remembered where later readers look, not in a former view of the region."""
    store = _store(sim, sim.account.region(region.name), kind)
    if (kind, name) not in store.made:
        maker = Maker(account=sim.account.id, region=region.name, now=sim.now)
        made = maker.make(kind, name, number=_number(maker, store, kind, name))
        if made is None:
            return None
        if kind == "role" and named.startswith("arn:"):
            path = named.split(":role", 1)[1].rpartition("/")[0]
            made = replace(made, arn=named, path=f"{path}/")
        store.made[kind, name] = made
    return store.made[kind, name]


def _number(maker: Maker, store: Inventory, kind: str, name: str) -> int:
    """What is there from the beginning has the first numbers, whatever is named first."""
    early = maker.names(kind)
    if name in early:
        return early.index(name)
    return len(early) + sum(1 for one, other in store.made if one == kind and other not in early)


def _members(sim: Simulation, region: Region, kind: str, name: str) -> JSON:
    wanted = _wanted(sim, kind)
    return {
        **_plain(wanted.get("*") or {}),
        **_plain(wanted.get(name) or {}),
        **_store(sim, region, kind).changed.get((kind, name), {}),
    }


def _store(sim: Simulation, region: Region, kind: str) -> Inventory:
    return sim.account.inventory if kind in GLOBAL else region.inventory


def _check(kind: str, members: JSON) -> None:
    if kind not in KINDS:
        raise ValueError(f"no such kind: {kind}; kinds are {', '.join(sorted(KINDS))}")
    known = {one.name for one in fields(KINDS[kind])}
    if unknown := set(members) - known:
        raise ValueError(f"a {kind} has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}")


def _required_name(sim: Simulation, region: Region, kind: str, named: str) -> str:
    name = own_name(sim, region.name, kind, named)
    if name is None:
        raise ValueError(f"{named} is no {kind} of account {sim.account.id} in {region.name}")
    return name


def _plain(members: JSON) -> JSON:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
