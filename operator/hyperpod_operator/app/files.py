"""Files that a command writes: whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write UTF-8 text to a file, which has the old content or the new one and never a part. Raises OSError.

    It is written beside the file first, under a name that nothing has: a link that somebody left there is not followed.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except FileExistsError:
        raise
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
