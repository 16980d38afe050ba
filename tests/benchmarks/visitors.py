"""Visitors without a browser: they open a star on a server of the app and read what it sends.

Unlike tabs of a browser they leave the cores to the server that is measured.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

#: Numbers in the headline of a star.
NUMBERS = 7
_LARGEST = 2**28


@dataclass(frozen=True)
class Visit:
    """Result of one visit.

    Attributes
    ----------
    numbers, whole : float
        Seconds to the last number of the headline, and to the end of the page; infinite if they did not arrive.
    megabytes : float
    exceptions : int
        Exception boxes.
    """

    numbers: float
    whole: float
    megabytes: float
    exceptions: int


async def _visit(address: str, star: str) -> Visit:
    request = HTTPRequest(f"ws{address.removeprefix('http')}/_stcore/stream", headers={"Origin": address})
    socket = await websocket_connect(request, subprotocols=["streamlit"], max_message_size=_LARGEST)
    asked = BackMsg()
    asked.rerun_script.query_string = f"star={star}"
    started, numbers, came, sent, exceptions = time.perf_counter(), 0, float("inf"), 0, 0
    await socket.write_message(asked.SerializeToString(), binary=True)
    while (data := await socket.read_message()) is not None:
        message = ForwardMsg.FromString(data)
        sent += len(data)
        if message.WhichOneof("type") == "script_finished":
            socket.close()
            return Visit(came, time.perf_counter() - started, sent / 1e6, exceptions)
        element = message.delta.new_element.WhichOneof("type") if message.HasField("delta") else None
        exceptions += element == "exception"
        numbers += element == "metric"
        if element == "metric" and numbers == NUMBERS:
            came = time.perf_counter() - started
    return Visit(came, float("inf"), sent / 1e6, exceptions)


def visit_at_once(address: str, stars: list[str]) -> list[Visit]:
    """Visit each of ``stars``, all at the same moment."""

    async def all_of_them() -> list[Visit]:
        return await asyncio.gather(*(_visit(address, star) for star in stars))

    with ThreadPoolExecutor(1) as pool:  # Playwright has an event loop in the caller's thread
        return pool.submit(lambda: asyncio.run(all_of_them())).result()
