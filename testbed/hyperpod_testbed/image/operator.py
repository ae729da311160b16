"""The image's operator against a control plane, with the account and the policies that the chart gives it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.image.build import Image
from hyperpod_testbed.image.program import FILES, program
from hyperpod_testbed.stack import OperatorProcess


@contextmanager
def started(
    image: Image, *, plane: ControlPlane, environment: Mapping[str, str], directory: Path, flags: tuple[str, ...] = ()
) -> Iterator[OperatorProcess]:
    """The operator while it runs. `environment` says where AWS is; every user has to be able to read `directory`."""
    files = directory / "files"
    files.mkdir(mode=0o755)
    config = yaml.safe_load(account.install(plane).read_text())
    (cluster,) = config["clusters"]
    (files / "ca.crt").write_bytes(Path(cluster["cluster"]["certificate-authority"]).read_bytes())
    cluster["cluster"]["certificate-authority"] = f"{FILES}/ca.crt"
    (files / "kubeconfig").write_text(json.dumps(config))
    variables = {**environment, "KUBECONFIG": f"{FILES}/kubeconfig"}
    process = OperatorProcess(
        kubeconfig=files / "kubeconfig",
        environment={},
        log=directory / "operator.log",
        flags=(*account.FLAGS, *flags),
        program=program(image, files=files, environment=variables),
    ).start()
    try:
        yield process
    finally:
        process.stop()
