"""Write files so that a reader never finds half of one."""

import uuid
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".part-{uuid.uuid4().hex}{path.suffix}"
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
