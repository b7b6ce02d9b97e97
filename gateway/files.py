"""Replace a small secret file so that a crash leaves the old one or the new one, never half."""

import os
import secrets
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, readable by its owner only, durable when this returns.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
