"""Power loss, imitated: beside each file of SQLite a shadow that holds only what was synced.

``install`` puts a VFS in front of the real one. Reads, writes and syncs go through; a write reaches
the shadow when its file is next synced. After a kill, ``lose_power`` puts the shadows in the place
of the files: what the process wrote and never synced is gone, as if the page cache had been lost.
The shadows outlive the process, so that the next one on the same files goes on with them.

It is kinder than a real disk: unsynced writes vanish all together, never some of them or torn.
"""

import os
import shutil
from pathlib import Path
from typing import TypeAlias

import apsw

Write: TypeAlias = tuple[int, bytes] | int
"""An offset and what was written there, or the size that the file was cut to."""


def install(directory_for_shadows: Path) -> "PowerVFS":
    """Open every SQLite file of this process through the shadowing VFS from now on.

    ``unregister`` on what it returns ends that.
    """
    directory_for_shadows.mkdir(parents=True, exist_ok=True)
    return PowerVFS(directory_for_shadows)


def lose_power(journal_path: Path, shadows: Path) -> None:
    """Leave of the journal what was synced. Only when no process has it open any more."""
    for path in (journal_path, journal_path.with_name(f"{journal_path.name}-wal")):
        shadow = shadows / path.name
        if shadow.exists():
            shutil.copyfile(shadow, path)
        else:
            path.unlink(missing_ok=True)


class PowerVFS(apsw.VFS):
    """The default VFS from now on, in front of the real one."""

    def __init__(self, shadows: Path) -> None:
        self._shadows = shadows
        super().__init__("power", "unix", makedefault=True)

    def xOpen(  # noqa: N802 - SQLite's name, as all below
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return super().xOpen(None, flags)  # a temporary file: nobody misses it
        return PowerFile(path, flags, self._shadows / Path(path).name)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        super().xDelete(filename, syncdir)
        (self._shadows / Path(filename).name).unlink(missing_ok=True)


class PowerFile(apsw.VFSFile):
    """One open file and its shadow."""

    def __init__(self, path: str, flags: list[int], shadow: Path) -> None:
        self._path, self._shadow = path, shadow
        self._waiting: list[Write] = []
        if not shadow.exists() and Path(path).exists():
            shutil.copyfile(path, shadow)  # there before the imitation began: on the disk
        # What a killed process wrote and did not sync is still in the page cache, and the first
        # sync will bring it to the disk, whoever asks for it.
        self._is_behind = shadow.exists()
        super().__init__("unix", path, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._waiting.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._waiting.append(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        if self._is_behind:
            self._copy()
            self._is_behind = False
        else:
            self._apply()
        self._waiting.clear()

    def _copy(self) -> None:
        whole = self._shadow.with_name(f"{self._shadow.name}.new")
        shutil.copyfile(self._path, whole)
        whole.replace(self._shadow)  # a kill now must not take what was synced before

    def _apply(self) -> None:
        handle = os.open(self._shadow, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for write in self._waiting:
                if isinstance(write, int):
                    os.ftruncate(handle, write)
                else:
                    os.pwrite(handle, write[1], write[0])
        finally:
            os.close(handle)
