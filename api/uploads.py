"""Take a file sent as the body of a request into the home, counting its bytes on the way."""

import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from engine.errors import BadArguments, MillwrightError, TooLarge
from engine.files import typed_disk_errors

FOLDER = "uploads"
_NAME = re.compile(r"[\w\- .()]{1,120}", re.UNICODE)


def safe_name(name: str) -> str:
    """`name` when it is a plain file name.

    Raises:
        BadArguments: it has a folder in it, is hidden, or has characters that no ordinary name has.
    """
    if not _NAME.fullmatch(name) or name.startswith((".", "-")) or name != name.strip():
        raise BadArguments(f"filename: {name!r} is not a plain file name.", "Give one such as 'customers.csv'.")
    return name


@asynccontextmanager
async def received(request: Request, home: Path, name: str, limit: int) -> AsyncIterator[Path]:
    """The body as a file called `name` in a folder of its own below the home; gone when the block ends.

    Raises:
        TooLarge: more than `limit` bytes arrived, whatever was declared.
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    root = home / FOLDER
    with typed_disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            path = Path(folder) / safe_name(name)
            with path.open("wb") as file:
                size = 0
                async for part in request.stream():
                    size += len(part)
                    if size > limit:
                        raise TooLarge(f"The file is larger than {limit:,} bytes.", "Send a smaller one.")
                    await run_in_threadpool(file.write, part)
            try:
                yield path
            except MillwrightError as error:
                # the sender knows the file by its name; where it lay for a moment is the server's business
                error.sentence = error.sentence.replace(str(path), name)
                error.hint = error.hint.replace(str(path), name)
                raise
