"""Load generator: concurrent clients of a server that check every answer.

A client keeps its connection, sends one text after the other and compares label and
score with the expected answer. It uses no HTTP library, so that the clients take as
little of the machine as possible.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Read = Callable[[Any], tuple[str, float]]
"""Reads label and score from the JSON of an answer."""


@dataclass
class Load:
    """Measurements of all clients."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)  # seconds per request
    wrong: int = 0  # wrong or invalid answers
    lost: int = 0  # requests without an answer

    @property
    def throughput(self) -> float:
        """Requests per second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """Quantile of the latency in milliseconds."""
        return float(np.quantile(self.times, share)) * 1e3


def run(
    port: int,
    path: str,
    bodies: Sequence[bytes],
    expected: Sequence[tuple[str, float]],
    read: Read,
    *,
    clients: int,
    seconds: float,
) -> Load:
    """Sends requests from concurrent clients for a while.

    Args:
        port: of the server on this machine.
        path: of the POST requests.
        bodies: one for each text.
        expected: label and score of each.
        read: reads label and score from an answer.
        clients: number of concurrent clients.
        seconds: duration.
    """
    load = Load()

    async def client(start: int, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = start
        while time.perf_counter() < end:
            number = (number + clients) % len(bodies)
            began = time.perf_counter()
            try:
                content = await _post(reader, writer, path, bodies[number])
            except (OSError, asyncio.IncompleteReadError):
                load.lost += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            load.times.append(time.perf_counter() - began)
            load.wrong += not _same(content, expected[number], read)
        writer.close()

    async def all_clients() -> None:
        began = time.perf_counter()
        await asyncio.gather(
            *(client(start, began + seconds) for start in range(clients))
        )
        load.seconds = time.perf_counter() - began

    asyncio.run(all_clients())
    return load


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
) -> bytes:
    """The body of the answer to one request."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    header = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(header.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


def _same(content: bytes, expected: tuple[str, float], read: Read) -> bool:
    try:
        label, score = read(json.loads(content))
    except (ValueError, LookupError, TypeError):
        return False
    return label == expected[0] and abs(score - expected[1]) < 1e-4
