"""aiohttp on uvloop with ``ClientSession``: the plain proxy people would write; keeps nothing."""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web
from yarl import URL

_OF_ONE_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


async def _serve(port: int, upstream: str) -> None:
    base = upstream.rstrip("/")
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )

    async def forward(request: web.BaseRequest) -> web.Response:
        body = await request.content.read()
        headers = [pair for pair in request.headers.items() if pair[0].lower() not in _OF_ONE_HOP]
        async with session.request(
            request.method,
            URL(base + request.raw_path, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
        ) as answer:
            kept = await answer.read()
            returned = [
                pair for pair in answer.headers.items() if pair[0].lower() not in _OF_ONE_HOP
            ]
        return web.Response(status=answer.status, headers=dict(returned), body=kept)

    server = web.Server(forward, access_log=None)
    listening = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", port, backlog=8192
    )
    async with session:
        await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
