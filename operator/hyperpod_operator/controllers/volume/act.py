"""Make the one step that was decided, in AWS or in Kubernetes."""

from typing import assert_never

from hyperpod_operator.api.metrics.volumes import VOLUME_STEPS
from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.controllers.reconciler import Unconfirmed, before_the_call
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.ports import KubernetesError, ObjectGone
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, Rejected
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    DropLease,
    KubernetesStep,
    LabelNode,
    ModifyVolume,
    PublishPV,
    PublishPVC,
    RemovePV,
    RemovePVC,
    Step,
    TakeLease,
    UnlabelNode,
    operation,
)
from hyperpod_operator.core.volume.ports import Attachment, Modification, Sending, Snapshot, Volume, VolumeCloud

Answer = Volume | Modification | Snapshot | Attachment | None


async def act(
    *, ports: VolumePorts, cloud: VolumeCloud, step: CloudStep | KubernetesStep, confirm: Confirm
) -> Accepted | Rejected | KubernetesRejected:
    """Never raises CloudError or KubernetesError: a refusal is something to report. `confirm` is what
    `last_look` gives."""
    if not isinstance(step, CloudStep):
        try:
            await in_kubernetes(ports=ports, step=step)
        except ObjectGone as error:
            # A Node or a Lease that went since it was seen: taken for the claim, the claim would be forgotten.
            return _declined(ports, step, KubernetesError(status=404, message=f"what it is about is gone ({error})"))
        except KubernetesError as error:
            return _declined(ports, step, error)
        ports.metrics.inc(VOLUME_STEPS, operation(step), "OK")
        return Accepted(step=step)
    ids: list[str] = []
    try:
        answer = await in_aws(cloud=cloud, step=step, sending=Sending(confirm=confirm, noted=ids.append))
    except CloudError as error:
        ports.metrics.inc(VOLUME_STEPS, operation(step), error.ec2_code or error.code)
        return Rejected(step=step, error=error)
    ports.metrics.inc(VOLUME_STEPS, operation(step), "OK")
    return Accepted(step=step, answer=answer, request_id=next(iter(ids), ""))


def last_look(snapshot: ClaimSnapshot, step: Step, *, cloud: VolumeCloud, unedited: Confirm) -> Confirm:
    """What is asked when the turn of a call has come: whether the claim still asks for it, and, where the volume's
    owner changes or its data goes, whether its tags still name the claim that they named."""
    if not isinstance(step, DeleteVolume | CreateTags):
        return unedited
    if isinstance(step, CreateTags) and TAG_CLAIM_UID not in step.tags:
        return unedited
    volume_id = step.volume_id
    before = snapshot.volume.tags.get(TAG_CLAIM_UID) if snapshot.volume is not None else None

    async def proved() -> None:
        await unedited()
        with before_the_call():
            volume = await cloud.find_volume(volume_id=volume_id, fresh=True)
        if volume is not None and volume.tags.get(TAG_CLAIM_UID) != before:
            raise Unconfirmed(f"The tags of {volume_id} name another claim by now.")

    return proved


def _declined(ports: VolumePorts, step: KubernetesStep, error: KubernetesError) -> KubernetesRejected:
    ports.metrics.inc(VOLUME_STEPS, operation(step), str(error.status))
    return KubernetesRejected(step=step, error=error)


async def in_aws(*, cloud: VolumeCloud, step: CloudStep, sending: Sending) -> Answer:
    answer: Answer = None
    match step:
        case CreateVolume(request=request):
            answer = await cloud.create_volume(request=request, sending=sending)
        case ModifyVolume(volume_id=volume_id, change=change):
            answer = await cloud.modify_volume(volume_id=volume_id, change=change, sending=sending)
        case CreateTags(volume_id=volume_id, tags=tags):
            await cloud.create_tags(volume_id=volume_id, tags=tags, sending=sending)
        case DeleteTags(volume_id=volume_id, keys=keys):
            await cloud.delete_tags(volume_id=volume_id, keys=keys, sending=sending)
        case Attach(cluster_arn=arn, instance_id=instance, volume_id=volume_id):
            answer = await cloud.attach(cluster_arn=arn, instance_id=instance, volume_id=volume_id, sending=sending)
        case Detach(cluster_arn=arn, instance_id=instance, volume_id=volume_id):
            answer = await cloud.detach(cluster_arn=arn, instance_id=instance, volume_id=volume_id, sending=sending)
        case CreateSnapshot(volume_id=volume_id, description=description, tags=tags):
            answer = await cloud.create_snapshot(
                volume_id=volume_id, description=description, tags=tags, sending=sending
            )
        case DeleteVolume(volume_id=volume_id):
            await cloud.delete_volume(volume_id=volume_id, sending=sending)
        case _:
            assert_never(step)
    return answer


async def in_kubernetes(*, ports: VolumePorts, step: KubernetesStep) -> None:
    match step:
        case LabelNode(node_name=node, key=key, value=value):
            await ports.labels.label(node_name=node, key=key, value=value)
        case UnlabelNode(node_name=node, key=key):
            await ports.labels.unlabel(node_name=node, key=key)
        case PublishPV(manifest=manifest):
            await ports.publications.create_persistent_volume(manifest=manifest.body)
        case PublishPVC(manifest=manifest):
            await ports.publications.create_persistent_volume_claim(manifest=manifest)
        case RemovePV(name=name, uid=uid):
            await ports.publications.delete_persistent_volume(name=name, uid=uid)
        case RemovePVC(namespace=namespace, name=name, uid=uid):
            await ports.publications.delete_persistent_volume_claim(namespace=namespace, name=name, uid=uid)
        case TakeLease(volume_id=volume_id, holder=holder, replaces=replaces):
            await ports.leases.take(volume_id=volume_id, holder=holder, replaces=replaces)
        case DropLease(volume_id=volume_id, holder=holder):
            await ports.leases.drop(volume_id=volume_id, holder=holder)
        case _:
            assert_never(step)
