"""A disk that fails on command, in front of the real one: a VFS of SQLite."""

from dataclasses import dataclass
from types import TracebackType

import apsw


@dataclass
class Trouble:
    """What fails, with which code of SQLite, for files whose names end so.

    ``syncs`` and ``writes`` count what the disk was asked for, in vain or not.
    """

    sync: int | None = None
    write: int | None = None
    suffix: str = ""
    syncs: int = 0
    writes: int = 0


class FailingDisk(apsw.VFS):
    """The default VFS until it is unregistered."""

    def __init__(self) -> None:
        self.trouble = Trouble()
        super().__init__("failing", "unix", makedefault=True)

    def xOpen(  # noqa: N802 - SQLite's name, as all below
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _File(name, flags, self.trouble)


class _File(apsw.VFSFile):
    def __init__(
        self, name: str | apsw.URIFilename | None, flags: list[int], trouble: Trouble
    ) -> None:
        self._trouble = trouble
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        super().__init__("unix", name, flags)

    def excepthook(
        self,
        etype: type[BaseException] | None,  # noqa: ARG002 - SQLite's hook
        evalue: BaseException | None,  # noqa: ARG002
        etraceback: TracebackType | None,  # noqa: ARG002
    ) -> bool:
        """The faults are wanted: nobody need see them twice."""
        return True

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._trouble.syncs += 1
        self._fail(self._trouble.sync)
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._trouble.writes += 1
        self._fail(self._trouble.write)
        super().xWrite(data, offset)

    def _fail(self, code: int | None) -> None:
        if code is not None and self._name.endswith(self._trouble.suffix):
            raise apsw.exception_for(code)
