"""Many stations that each send one enrollment and wait. Says ``held`` when all have sent it."""

import asyncio
import os
import sys

import uvloop


async def _hold(port: int, count: int) -> None:
    writers = []
    for number in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /enrollments HTTP/1.1\r\nHost: x\r\nContent-Length: 2048\r\n"
            b'Idempotency-Key: "%d-%d"\r\n\r\n' % (os.getpid(), number) + b"x" * 2048
        )
        writers.append(writer)
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_hold(*map(int, sys.argv[1:3])))
