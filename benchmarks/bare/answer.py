"""aiohttp on uvloop: reads the body, answers. The limit of what an aiohttp gateway can accept."""

import asyncio
import sys

import uvloop
from aiohttp import web


async def _answer(request: web.BaseRequest) -> web.Response:
    while await request.content.readany():
        pass
    return web.Response(status=201, body=b'{"recorded": true}', content_type="application/json")


async def _serve(port: int) -> None:
    server = web.Server(_answer, access_log=None)
    listening = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", port, backlog=8192
    )
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
