"""`python -m tests.faults.traced TRACE -m MODULE …`: run it, every call to its files recorded.

The process stays its starter's own child: the one that traces is a grandchild (`strace -D`).
"""

import os
import sys
from typing import Final

CALLS: Final = (
    "openat,close,lseek,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,"
    "sync_file_range,ftruncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir"
)

if __name__ == "__main__":
    trace, *command = sys.argv[1:]
    # -y: the path of each descriptor; -xx: every text in hexadecimal, so that it can be split;
    # -s: whole pages.
    how = ("-D", "-f", "-y", "-xx", "-s", "4194304", "--seccomp-bpf", "-o", trace)
    os.execvp(  # noqa: S606 - its arguments need no shell
        "strace", ("strace", *how, "-e", f"trace={CALLS}", sys.executable, *command)
    )
