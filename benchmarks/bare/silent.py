"""A recording server that takes everything and says nothing."""

import asyncio
import sys

import uvloop


async def _serve(port: int) -> None:
    listening = await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.1", port, backlog=8192
    )
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
