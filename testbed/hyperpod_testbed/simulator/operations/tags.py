"""AddTags, DeleteTags, ListTags: of clusters only, by ARN."""

from hyperpod_testbed.simulator import pages, present
from hyperpod_testbed.simulator.operations import cluster_rules
from hyperpod_testbed.simulator.operations.lookup import not_found
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Region


def add_tags(sim: Simulation, region: Region, request: JSON) -> JSON:
    """AddTags: a key that exists gets the new value."""
    cluster = _cluster(sim, region, request)
    after = {**cluster.tags, **cluster_rules.tag_map(request["Tags"])}
    cluster_rules.check_tags(after)
    cluster.tags = after
    return {"Tags": present.tags(sim, cluster)}


def delete_tags(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DeleteTags: keys that do not exist are no error."""
    cluster = _cluster(sim, region, request)
    for key in request["TagKeys"]:
        cluster.tags.pop(key, None)
    return {}


def list_tags(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListTags, all on one page: there are at most 50."""
    cluster = _cluster(sim, region, request)
    chosen, token = pages.page(present.tags(sim, cluster), request, operation="ListTags", default_size=50)
    return pages.answer("Tags", chosen, token)


def _cluster(sim: Simulation, region: Region, request: JSON) -> Cluster:
    arn = request["ResourceArn"]
    cluster = region.find(arn)
    if cluster is None or sim.now - cluster.created_at < sim.options.create_lag:
        raise not_found(sim, f"Resource {arn} does not exist.")
    return cluster
