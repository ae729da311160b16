"""The price list: what an hour of each instance type costs on HyperPod.

Products are shaped as the price list has them: usage type `USW2-Cluster:ml.p4d.24xlarge` (recorded), one term on
demand with one dimension.
"""

import hashlib
import json
import re
from typing import Any

from hyperpod_testbed.simulator import pages, shapes
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import zones
from hyperpod_testbed.simulator.prerequisites import inventory, paging
from hyperpod_testbed.simulator.prerequisites.resources import Offering
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import DEFAULT_REGION, JSON, Region

SERVICE = "AmazonSageMaker"
_LOCATIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
_OTHER_COMPONENTS = ("Training", "Hosting")
"""The same types cost something else elsewhere in SageMaker: a client has to choose."""


def get_products(sim: Simulation, _: Region, request: JSON) -> JSON:
    """GetProducts, of AmazonSageMaker; 100 on a page at most."""
    if request["ServiceCode"] != SERVICE:
        raise AwsError("NotFoundException", f"The service code {request['ServiceCode']} was not found.")
    filters = request.get("Filters") or []
    region = next((one["Value"] for one in filters if one["Field"] == "regionCode"), DEFAULT_REGION)
    products = [
        product
        for name in shapes.sagemaker().shape_for("ClusterInstanceType").enum
        for product in _products(sim, sim.account.region(region), name)
    ]
    found = [one for one in products if all(_fits(one["product"]["attributes"], wanted) for wanted in filters)]
    chosen, token = paging.page(sim, found, request, operation="GetProducts")
    answer = pages.answer("PriceList", [json.dumps(one) for one in chosen], token)
    return {"FormatVersion": "aws_v1", **answer}


def _products(sim: Simulation, region: Region, name: str) -> list[JSON]:
    found = inventory.find(sim, region, Offering, name)
    if found is None or found.hourly is None:
        return []
    prices = {"Cluster": found.hourly}
    prices |= dict.fromkeys(_OTHER_COMPONENTS, f"{float(found.hourly) * 1.15:.10f}")
    return [_product(region.name, name, component, price) for component, price in prices.items()]


def _product(region: str, name: str, component: str, price: str) -> JSON:
    sku = _sku(region, name, component)
    term = f"{sku}.JRTCKXETXF"
    dimension = f"{term}.6YS6EN2CT7"
    kind = {"Training": "Train", "Hosting": "Host"}.get(component, component)
    usage = f"{_prefix(region)}-{kind}:{name}"
    location = _LOCATIONS.get(region, region)
    return {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {
                "regionCode": region,
                "servicecode": SERVICE,
                "servicename": "Amazon SageMaker",
                "location": location,
                "locationType": "AWS Region",
                "instanceName": name,
                "instanceType": f"{name}-{component}",
                "component": component,
                "platoinstancename": name.removeprefix("ml."),
                "platoinstancetype": component,
                "usagetype": usage,
                "operation": "RunInstance",
            },
            "sku": sku,
        },
        "serviceCode": SERVICE,
        "terms": {
            "OnDemand": {
                term: {
                    "priceDimensions": {
                        dimension: {
                            "unit": "Hrs",
                            "endRange": "Inf",
                            "description": f"${price} per hour for {component} {name} in {location}",
                            "appliesTo": [],
                            "rateCode": dimension,
                            "beginRange": "0",
                            "pricePerUnit": {"USD": price},
                        }
                    },
                    "sku": sku,
                    "effectiveDate": "2026-10-01T00:00:00Z",
                    "offerTermCode": "JRTCKXETXF",
                    "termAttributes": {},
                }
            }
        },
        "version": "20261001000000",
        "publicationDate": "2026-10-01T00:00:00Z",
    }


def _fits(attributes: dict[str, Any], wanted: JSON) -> bool:
    if wanted["Field"] == "ServiceCode":
        return bool(wanted["Value"] == SERVICE)
    value = attributes.get(wanted["Field"])
    if wanted["Type"] == "CONTAINS":
        return value is not None and wanted["Value"] in value
    if wanted["Type"] in {"ANY_OF", "NONE_OF"}:
        return (value in wanted["Value"].split(",")) is (wanted["Type"] == "ANY_OF")
    return bool(value == wanted["Value"])


def _prefix(region: str) -> str:
    """What usage types call a region: USW2, USE1, EUC1."""
    return re.sub(r"-az\d+$", "", zones(region)[0].id).upper()


def _sku(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16].upper()
