"""``ClientSession`` alone: posts bodies as fast as it can, with so many at once. Keeps nothing."""

import asyncio
import json
import sys
import time

import aiohttp
import uvloop


async def _post(url: str, size: int, count: int, at_once: int) -> dict[str, float]:
    body, left = b"x" * size, iter(range(count))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:

        async def one_after_another() -> None:
            for number in left:
                headers = {"Idempotency-Key": f'"bare-{number}"'}
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()

        began, used = time.monotonic(), time.process_time()
        await asyncio.gather(*(one_after_another() for _ in range(at_once)))
        return {"seconds": time.monotonic() - began, "cpu": time.process_time() - used}


if __name__ == "__main__":
    found = uvloop.run(_post(sys.argv[1], *map(int, sys.argv[2:5])))
    print(json.dumps(found))
