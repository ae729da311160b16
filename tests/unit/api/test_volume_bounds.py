"""Mount options: what reaches a node that others share."""

import re

import pytest
from pydantic import ValidationError

from hyperpod_operator.api.volume.attachment import Target
from hyperpod_operator.api.volume.bounds import MOUNT_FLAGS, MOUNT_OPTION_PATTERN, MOUNT_VALUES
from hyperpod_operator.api.volume.resource import Publish

VALUES = {
    "commit": "30", "data": "ordered", "errors": "remount-ro", "stripe": "16", "inode_readahead_blks": "32",
    "allocsize": "64m", "logbufs": "8", "logbsize": "256k", "sunit": "128", "swidth": "1024",
}  # fmt: skip
HARMFUL = (
    *("suid", "dev", "exec", "defaults", "user", "users", "owner", "group", "remount", "bind", "rbind", "move"),
    *(
        "logdev=/dev/nvme1n1",
        "rtdev=/dev/nvme2n1",
        "journal_path=/dev/nvme1n1",
        "journal_dev=0x10300",
        "loop=/dev/loop0",
    ),
    *("suid,dev,exec", "noatime,suid", "noatime suid", "noatime\n", "noatime\tdev", "", " ", "NOATIME"),
    *("context=system_u:object_r:container_file_t:s0", "fscontext=x", "defcontext=x", "rootcontext=x", "seclabel"),
    *("errors=panic", "data=journal", "data=writeback", "commit=0", "commit=99999", "logbufs=9", "logbsize=3k"),
    *(
        "x-systemd.requires=a",
        "x-mount.mkdir",
        "uid=0",
        "gid=0",
        "mode=0777",
        "usrjquota=aquota.user",
        "test_dummy_encryption",
    ),
)


def publish(*options: str) -> Publish:
    return Publish.model_validate({"type": "CSI", "persistentVolumeClaim": {"name": "d"}, "mountOptions": options})


@pytest.mark.parametrize("option", HARMFUL)
def test_an_option_that_is_not_on_the_list_is_refused(option: str) -> None:
    with pytest.raises(ValidationError):
        publish("noatime", option)


@pytest.mark.parametrize("option", [*MOUNT_FLAGS, *(f"{name}={VALUES[name]}" for name in MOUNT_VALUES)])
def test_an_option_on_the_list_is_accepted(option: str) -> None:
    assert publish(option).mountOptions == [option]


@pytest.mark.parametrize("option", [*MOUNT_FLAGS, *(f"{name}={value}" for name, value in VALUES.items())])
@pytest.mark.parametrize("more", [",suid", "=/dev/sda", "\0", " ", "\n"])
def test_nothing_can_be_hung_on_an_option(option: str, more: str) -> None:
    assert re.compile(MOUNT_OPTION_PATTERN).fullmatch(option + more) is None


@pytest.mark.parametrize(
    "key",
    [
        "kubernetes.io/hostname!=x,!foo,a in (b,c),d",
        "",
        "a,b",
        "a=b",
        "-a",
        "a/",
        "/a",
        "a/b/c",
        "A.example/x",
        "a" * 318,
    ],
)
def test_a_selector_takes_keys_of_labels_only(key: str) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate({"instanceGroupName": "w", "nodeSelector": {key: "e"}})


@pytest.mark.parametrize("value", ["a,b", "a=b", "a in (b)", "-a", "a" * 64, "a\n"])
def test_a_selector_takes_values_of_labels_only(value: str) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate({"instanceGroupName": "w", "nodeSelector": {"a": value}})


@pytest.mark.parametrize("key", ["a" * 64, f"{'a' * 254}/b", f"example.com/{'a' * 64}", "a b", "/a"])
def test_a_key_of_a_selector_that_no_label_can_have_is_invalid(key: str) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate({"instanceGroupName": "w", "nodeSelector": {key: "x"}})


def test_the_longest_key_of_a_label_is_valid_in_a_selector() -> None:
    key = f"{'a' * 253}/{'b' * 63}"
    target = Target.model_validate({"instanceGroupName": "w", "nodeSelector": {key: "x"}})
    assert target.nodeSelector == {key: "x"}
