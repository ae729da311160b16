"""The models of EC2 and SageMaker that clients are made from: botocore's, reduced to the operations that are called.

botocore's own have 1,200 operations, and documentation. Their JSON takes a fifth of a second of every start to parse,
and 28 MB of memory for as long as the process lives; these take less than a tenth of both. `make chart` writes them
(tools/service_models.py) from the botocore of the lock and the IAM policies, and contract tests hold them to both.
Models are data files that botocore loads by name (botocore, `loaders.py`). They are botocore's work, under the Apache
License 2.0.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

CARRIED = ("ec2", "sagemaker")
MODEL = "service-2"
"""botocore's name of the file that has the operations and shapes of a service."""


class ReducedModels:
    """A loader of botocore's data that has models of its own; everything else comes from `loader`."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """As `botocore.loaders.Loader` has it."""
        if type_name == MODEL and service_name in CARRIED:
            return carried(service_name)
        return self._loader.load_service_model(service_name, type_name, api_version)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


@cache
def carried(service: str) -> dict[str, Any]:
    """The reduced model of a service. Nobody changes it: botocore shares models between clients, too."""
    model: dict[str, Any] = json.loads((files(__name__) / f"{service}.json").read_bytes())
    return model
