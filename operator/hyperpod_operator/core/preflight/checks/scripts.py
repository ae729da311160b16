"""Checks of lifecycle scripts."""

from collections.abc import Iterator

from hyperpod_operator.core.preflight.addresses import bucket_of, scripts_of
from hyperpod_operator.core.preflight.facts import NOT_GATHERED, Script
from hyperpod_operator.core.preflight.model import Area, Check, Fact, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-lifecycle-best-practices-slurm and -eks-lifecycle"
READ = "s3:GetObject"


def _scripts(subject: ClusterSubject) -> Iterator[tuple[str, str, Fact[Script | None]]]:
    for group in subject.groups:
        for address in scripts_of(group):
            yield group.name, address, subject.facts.scripts.get(address, NOT_GATHERED)


def declared(subject: ClusterSubject) -> Iterator[Finding]:
    for group in subject.groups:
        if not group.restricted:
            yield passes(group=group.name) if scripts_of(group) else warns(group=group.name)


def exist(subject: ClusterSubject) -> Iterator[Finding]:
    for group, address, script in _scripts(subject):
        if isinstance(script, Unread):
            yield unknown(script, group=group)
        else:
            yield fails(group=group, address=address) if script is None else passes(group=group)


def line_ends(subject: ClusterSubject) -> Iterator[Finding]:
    for group, address, script in _scripts(subject):
        if isinstance(script, Unread):
            yield unknown(script, group=group)
        elif script is not None and script.crlf:
            yield fails(group=group, address=address, problem="has Windows line ends (CR LF)")
        elif script is not None and script.crlf_within:
            problem = "has CR LF after its first line, which shells do not take as the end of a line"
            yield warns(group=group, address=address, problem=problem)
        elif script is not None and not script.shebang:
            yield warns(group=group, address=address, problem="does not begin with #!")
        elif script is not None:
            yield passes(group=group)


def bucket_name(subject: ClusterSubject) -> Iterator[Finding]:
    for group in subject.groups:
        for address in scripts_of(group)[:1]:
            bucket = bucket_of(address)
            fits = bucket.startswith("sagemaker-")
            yield passes(group=group.name) if fits else warns(group=group.name, bucket=bucket)


CHECKS = (
    Check(
        name="LifecycleScriptDeclared",
        area=Area.SCRIPTS,
        what="Every group has a lifecycle script",
        why="AWS asks for lifeCycleConfig on groups of EKS clusters in practice, although its API marks it optional.",
        source="LIVE: alchemy-run/alchemy, PR 924",
        judge=declared,
        warn="lifeCycleConfig names no script by an s3:// address.",
        remedy="Set lifeCycleConfig.sourceS3Uri and onCreate.",
    ),
    Check(
        name="LifecycleScriptExists",
        area=Area.SCRIPTS,
        what="The lifecycle scripts exist",
        why="Instances fail with a script that is not there, each after it was launched and billed.",
        source=SOURCE,
        judge=exist,
        reads=(READ,),
        fail="S3 has no object {address}.",
        remedy="Upload the script, or correct sourceS3Uri and onCreate.",
    ),
    Check(
        name="LifecycleScriptLineEnds",
        area=Area.SCRIPTS,
        what="The lifecycle scripts have LF line ends and an interpreter line",
        why='A script with CR LF fails as "bad interpreter" on every instance.',
        source="SRC: hyperpod-node-debugger (awslabs), lifecycle scripts",
        judge=line_ends,
        reads=(READ,),
        fail="{address} {problem}.",
        warn="{address} {problem}.",
        remedy="Save the script with LF line ends and #!/bin/bash as its first line (dos2unix), and upload it.",
    ),
    Check(
        name="LifecycleBucketName",
        area=Area.SCRIPTS,
        what="The lifecycle scripts are in a bucket whose name begins with sagemaker-",
        why="The managed policy of execution roles reads buckets of this name only.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites-iam",
        judge=bucket_name,
        warn="The bucket {bucket} does not begin with sagemaker-.",
        remedy="Grant the execution role s3:GetObject and s3:ListBucket on it, or use another bucket.",
    ),
)
