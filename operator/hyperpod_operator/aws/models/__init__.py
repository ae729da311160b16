"""What botocore makes clients from, reduced to the services and operations that are called.

botocore's own models have documentation and, of EC2 and SageMaker alone, 1,200 operations; its table of endpoints has
400 services. Their JSON takes a third of a second of every start to parse, and 30 MB of memory for as long as the
process lives; these take less than a tenth of both. And before botocore opens a model it lists the directories of all
services to learn which there are; these are opened by name.

`make chart` writes them (tools/service_models.py) from the botocore of the lock and the IAM policies, and contract
tests hold them to both. Models are data files that botocore loads by name (botocore, `loaders.py`). They are botocore's
work, under the Apache License 2.0.
"""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import ExtrasProcessor

CARRIED = ("ec2", "eks", "fsx", "iam", "kms", "pricing", "s3", "sagemaker", "service-quotas", "sts")
MODEL = "service-2"
"""botocore's name of the file that has the operations and shapes of a service."""
ENDPOINTS = "endpoints"
"""botocore's name of the file that has partitions, Regions and endpoints."""
_FILES: Mapping[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}
"""How botocore's files end, and what opens them."""


class ReducedModels:
    """A loader of botocore's data that has models of its own; everything else comes from `loader`."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """As `botocore.loaders.Loader` has it."""
        if service_name not in CARRIED:
            return self._loader.load_service_model(service_name, type_name, api_version)
        model = carried(service_name)
        if type_name == MODEL:
            return model
        path = f"{service_name}/{model['metadata']['apiVersion']}/{type_name}"
        part = self._part(path)
        with suppress(DataNotFoundError):
            ExtrasProcessor().process(part, [self._part(f"{path}.sdk-extras")])
        return part

    def _part(self, path: str) -> Any:
        """As botocore reads it, but made of plain dictionaries, and not kept: what a client needs of it, it holds."""
        for directory in self._loader.search_paths:
            for suffix, open_file in _FILES.items():
                file = os.path.join(directory, path + suffix)
                if os.path.isfile(file):
                    with open_file(file, "rb") as content:
                        return json.loads(content.read())
        raise DataNotFoundError(data_path=path)

    def load_data_with_path(self, name: str) -> Any:
        """As `botocore.loaders.Loader` has it. A table of endpoints that the user put into a data path counts."""
        if name != ENDPOINTS or self._has_own_endpoints():
            return self._loader.load_data_with_path(name)
        return carried(ENDPOINTS), os.path.join(self._loader.BUILTIN_DATA_PATH, ENDPOINTS)

    def _has_own_endpoints(self) -> bool:
        others = (path for path in self._loader.search_paths if path != self._loader.BUILTIN_DATA_PATH)
        return any(self._loader.file_loader.exists(os.path.join(path, ENDPOINTS)) for path in others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


@cache
def carried(name: str) -> dict[str, Any]:
    """The reduced model of a service, or the table of endpoints. Nobody changes it: botocore shares models between
    clients, too."""
    model: dict[str, Any] = json.loads((files(__name__) / f"{name}.json").read_bytes())
    return model
