"""What a command loads before it works. Counts: the time that this takes is measured in docs/benchmarks.md."""

import os
import subprocess
import sys

import pytest

UNUSED = {"jsonschema", "requests", "oauthlib", "kubernetes_validate", "websocket", "boto3", "rich", "pygments"}
"""What packages of the operator load if they are asked for as a whole."""
WATCH = {"kopf", "prometheus_client", "uvloop", "hyperpod_operator.runtime"}
"""What runs the controllers."""
PARTS = WATCH | {"pydantic", "yaml", "botocore", "aiohttp", "kubernetes", "asyncio"}


def loaded(*words: str) -> set[str]:
    """Names of the modules that a command has loaded when it ends, with those of their packages."""
    code = (
        "import sys\n"
        "from hyperpod_operator.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print('modules:', *(name for name, module in sys.modules.items() if module is not None))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    names = done.stdout.rpartition("modules:")[2].split()
    return {".".join(parts[: n + 1]) for parts in (name.split(".") for name in names) for n in range(len(parts))}


@pytest.mark.parametrize("words", ["--help", "--version", "run --help", "plan --help", "export --help"])
def test_help_loads_no_part_of_the_operator(words: str) -> None:
    assert loaded(*words.split()) & PARTS == set()


@pytest.mark.parametrize("command", ["plan", "preflight", "export"])
def test_a_command_that_reads_files_loads_nothing_that_watches(command: str) -> None:
    modules = loaded(command, *(["-f"] if command != "export" else []), "missing.json")
    assert f"hyperpod_operator.app.{command}" in modules
    assert modules & (WATCH | UNUSED) == set()


def test_a_plan_loads_the_parts_of_other_kinds_where_a_file_has_one() -> None:
    modules = loaded("plan", "-f", "missing.json")
    others = {
        "core.volume",
        "core.nodeoperation",
        "api.kinds.volume_claim",
        "api.nodeoperation",
        "aws.ec2",
        "prices",
    }
    assert modules & {f"hyperpod_operator.{name}" for name in others} == set()


def test_the_operator_starts_with_the_asynchronous_client_alone() -> None:
    modules = loaded("run", "--tenants", "missing.yaml")
    assert {"hyperpod_operator.app.process", "kubernetes.aio.client", "kopf"} <= modules
    assert modules & (UNUSED | {"kubernetes.client", "kubernetes.aio.dynamic", "aiohttp.web_app"}) == set()


def test_packages_are_whole_for_whoever_imports_them_afterwards() -> None:
    code = (
        "from hyperpod_operator.cli.imports import loading\n"
        "with loading(): import hyperpod_operator.kube.leadership.leader, kopf\n"
        "import gc, kubernetes.aio, aiohttp.web\n"
        "print(bool(kubernetes.config and kubernetes.client and kubernetes.aio.dynamic and gc.isenabled()"
        " and aiohttp.web.Application()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_the_first_collection_of_garbage_does_not_search_through_what_was_loaded() -> None:
    code = (
        "import gc\n"
        "from hyperpod_operator.cli.imports import loading\n"
        "with loading(): import hyperpod_operator.app.process\n"
        "print(len(gc.get_objects()) < 1000 < gc.get_freeze_count(), gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_a_running_operator_does_not_search_for_garbage_in_what_one_pass_makes() -> None:
    code = (
        "import gc\n"
        "from hyperpod_operator.app.process import _settle_memory\n"
        "_settle_memory()\n"
        "ran = []\n"
        "gc.callbacks.append(lambda phase, info: ran.append(phase))\n"
        "made = [{'number': number} for number in range(5000)]\n"
        "print(ran, gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"


@pytest.mark.parametrize("before", ["None", "'/a/file'"])
def test_certificates_of_all_authorities_are_not_read_for_contexts_that_nobody_uses(before: str) -> None:
    code = (
        "import os\n"
        f"before = {before}\n"
        "if before: os.environ['SSL_CERT_FILE'] = before\n"
        "from hyperpod_operator.cli.imports import loading\n"
        "with loading(): from aiohttp import connector\n"
        "print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()['x509'], os.environ.get('SSL_CERT_FILE') == before)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "0 True\n"
