"""Small secret files: a crash leaves the old one, the new one or none, never half of one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def create_file(path: Path, text: str) -> None:
    """Write a new file, readable by its owner only, durable when this returns.

    Raises:
        FileExistsError: there is one already; it is untouched.
        OSError: it cannot be written.
    """
    with _draft(path, text) as draft:
        os.link(draft, path)
    sync_directory(path.parent)


def replace_file(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, readable by its owner only, durable when this returns.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    with _draft(path, text) as draft:
        draft.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """The whole text in a file beside it, its bytes durable; gone after."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
