"""`confined.py UNIT UID WRITABLE COMMAND…`: run a command as a systemd unit would confine it.

No systemd is needed: root makes a mount namespace in which nothing can be written to but
``WRITABLE``, and where `/proc` shows processes alone; then a user without any privilege, none to be
had, no memory both written and run, and only the system calls and the kinds of sockets that the
unit allows. Must not import what is not Python's own: it is run by whatever Python there is.
"""

import ctypes
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 22, 38, 65
_FILTER, _REFUSE_GAIN = 2, 1
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X86_64 = 0xC000003E
_SOCKET = 41


def main() -> None:
    """First as root, then, with the namespace made, as the user."""
    unit, uid, writable, *command = sys.argv[1:]
    if os.getuid() == 0:
        _wall_in(writable)
        again = (sys.executable, __file__, unit, uid, writable, *command)
        drop = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        words = ("setpriv", f"--reuid={uid}", f"--regid={uid}", *drop, *again)
        os.execvp(words[0], words)  # noqa: S606 - its arguments need no shell
    text = Path(unit).read_text()
    _forbid(text)
    os.execvp(command[0], command)  # noqa: S606 - as above


def allowed(text: str) -> set[str]:
    """The system calls that the unit's ``SystemCallFilter`` lines leave."""
    found = set[str]()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        for word in line.removeprefix("~").split():
            names = _members(word)
            found = found - names if line.startswith("~") else found | names
    return found


def _members(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    ).stdout
    words = (line.strip() for line in told.splitlines()[1:])
    return set().union(*(_members(word) for word in words if word and not word.startswith("#")))


def _wall_in(writable: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(0x00020000) == 0, os.strerror(ctypes.get_errno())  # CLONE_NEWNS
    for words in (
        ("--make-rprivate", "/"),
        ("-t", "proc", "-o", "subset=pid,hidepid=invisible", "proc", "/proc"),
        ("--bind", writable, writable),
        ("-o", "remount,bind,ro", "/"),
    ):
        subprocess.run(["mount", *words], check=True)
    os.chdir(Path.cwd())  # into what is mounted there now


def _forbid(text: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if "MemoryDenyWriteExecute=yes" in text:
        assert libc.prctl(_PR_SET_MDWE, _REFUSE_GAIN, 0, 0, 0) == 0
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text()))
    calls = sorted(int(numbers[name]) for name in allowed(text) & numbers.keys())
    families = re.search(r"^RestrictAddressFamilies=(.*)$", text, re.MULTILINE)
    kinds = [FAMILIES[name] for name in families[1].split()] if families else []
    program = _program([number for number in calls if number != _SOCKET], kinds)
    filled = ctypes.create_string_buffer(program, len(program))
    passed = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(filled))
    assert libc.prctl(_PR_SET_SECCOMP, _FILTER, passed) == 0, os.strerror(ctypes.get_errno())


def _program(calls: list[int], kinds: list[int]) -> bytes:
    """Berkeley Packet Filter: each step is its code, two jumps, and a number (seccomp(2))."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _X86_64),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for number in calls:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps += [(_EQUAL, 1, 0, _SOCKET), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    for kind in kinds:
        steps += [(_EQUAL, 0, 1, kind), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


if __name__ == "__main__":
    main()
