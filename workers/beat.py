"""Says to whoever looks from outside that a worker is at work: a file that is touched while both servers answer.

A worker listens on no port, so this is what a health check can ask (docker-compose.yml). The file is in the temporary
folder, which each container has for itself.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

FILE = Path(tempfile.gettempdir()) / "speedlead-worker.beat"
EVERY_S = 10.0


async def beat(well: Callable[[], Awaitable[bool]], file: Path = FILE) -> None:
    """Until cancelled; the file is gone then. `well` asks the servers and does not raise."""
    try:
        while True:
            if await well():
                file.touch()
            await asyncio.sleep(EVERY_S)
    finally:
        file.unlink(missing_ok=True)
