"""Bounded texts and numbers that members of every status share."""

from typing import Annotated

from pydantic import Field

Word = Annotated[str, Field(max_length=128)]
"""A name or a status word of AWS's or ours."""
Arn = Annotated[str, Field(max_length=2048)]
Message = Annotated[str, Field(max_length=8192)]
Fingerprint = Annotated[str, Field(max_length=128)]
Count = Annotated[int, Field(ge=0)]
Line = Annotated[str, Field(max_length=1024)]
