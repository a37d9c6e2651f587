"""Many clients of a server at the same time, each of which checks its answers.

A client keeps a connection, asks one text after the other and compares label and score
with what the artefact answers in this process. Connections are read and written
without an HTTP library, so that the clients take as little of the machine as can be.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Read = Callable[[Any], tuple[str, float]]
"""From the JSON of an answer to label and score."""


@dataclass
class Load:
    """What came of many clients."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)  # seconds a request
    wrong: int = 0  # answers that belong to another text, or to none
    lost: int = 0  # requests without an answer

    @property
    def throughput(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds that so many requests took at most."""
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
    """Asks for a while.

    Args:
        port: of the server on this machine.
        path: that is posted to.
        bodies: one for each text.
        expected: label and score of each.
        read: label and score out of an answer.
        clients: at the same time.
        seconds: after which no client asks once more.
    """
    load = Load()

    async def client(start: int, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = start
        while time.perf_counter() < end:
            number = (number + clients) % len(bodies)
            began = time.perf_counter()
            try:
                content = await _ask(reader, writer, path, bodies[number])
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


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
) -> bytes:
    """The body of the answer to one request."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    told = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(told.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


def _same(content: bytes, expected: tuple[str, float], read: Read) -> bool:
    try:
        label, score = read(json.loads(content))
    except (ValueError, LookupError, TypeError):
        return False
    return label == expected[0] and abs(score - expected[1]) < 1e-4
