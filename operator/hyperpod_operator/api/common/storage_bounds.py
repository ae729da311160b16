"""The bounded building blocks of storage, as `api.common.bounds` has those of everything else."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.rules import worded

KMS_KEY_WORDS = "give the id, the alias with alias/ in front, or the ARN of the KMS key: aws kms list-aliases"
KmsKeyId = Annotated[
    str,
    Field(
        max_length=2048,
        **worded(r"^[a-zA-Z0-9:/_-]*$", KMS_KEY_WORDS),
    ),
]
"""KmsKeyId."""
VolumeSizeInGB = Annotated[int, Field(ge=1, le=16384)]
"""ClusterEbsVolumeSizeInGB."""
FsxDnsName = Annotated[
    str,
    Field(
        min_length=16,
        max_length=275,
        **worded(
            r"^((fs|fc)i?-[0-9a-f]{8,}\..{4,253})$",
            "give the DNS name of the file system and not its id, as "
            "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com: aws fsx describe-file-systems",
        ),
    ),
]
"""ClusterDnsName."""
FsxMountName = Annotated[str, Field(min_length=1, max_length=8, pattern=r"^([A-Za-z0-9_-]{1,8})$")]
"""ClusterMountName."""
FsxMountPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        **worded(r"^/[a-zA-Z0-9._/-]+$", "a mount path begins with a slash and has no blanks: write it as /fsx"),
    ),
]
"""ClusterFsxMountPath."""
FsxSizeInGiB = Annotated[int, Field(ge=1200, le=100800)]
"""FSxLustreSizeInGiB."""
FsxThroughput = Annotated[int, Field(ge=125, le=1000)]
"""FSxLustrePerUnitStorageThroughput."""
