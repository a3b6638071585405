"""Serve an app until it is told to stop."""

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from api.guard import check_binding


def serve(app: FastAPI, host: str, port: int, key: SecretStr | None) -> None:
    """Listen on `host`:`port` and block; running requests are given ten seconds at the end.

    Raises:
        BadSettings: `host` is reachable from other machines and there is no key.
    """
    check_binding(host, key)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=10, server_header=False)
