"""The connection to a Dask scheduler, which may restart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automax_lightning.config import AutoMAXConfig
from automax_lightning.errors import ExecutionError, InfrastructureError

if TYPE_CHECKING:
    from distributed import Client

_log = logging.getLogger(__name__)

_POLL = 0.1

CONNECT_SECONDS = 30.0
"""How long a scheduler may take to answer when a search begins."""

RECONNECT_SECONDS = 5.0
"""How long each attempt to reach a scheduler again may take; Ctrl-C is noticed in between."""


class Connection:
    """A client of a scheduler, and another one in its place when the scheduler has gone and come back.

    Args:
        config: settings of the search.
        client: the user's; None connects to ``config.scheduler``.

    Attributes:
        client: connected, while `is_up`.
    """

    def __init__(self, config: AutoMAXConfig, client: Client | None) -> None:
        self.timeout = config.scheduler_timeout
        self.client = connect(str(config.scheduler), CONNECT_SECONDS) if client is None else client
        self._is_ours = client is None
        self.address = str(config.scheduler if client is None else client.scheduler_info()["address"])
        self._security = None if client is None else client.security

    @property
    def is_up(self) -> bool:
        """Whether the scheduler was there a moment ago."""
        return bool(self.client.status == "running")

    def restore(self, is_wanted: Callable[[], bool]) -> bool:
        """Wait until the scheduler answers; False if nobody wants it any more.

        Args:
            is_wanted: asked while it waits.

        Raises:
            InfrastructureError: if it does not answer in time.
        """
        if self._is_back():
            return True
        _log.warning("The Dask scheduler %s does not answer; its trials are sent again when it does.", self.address)
        end = time.monotonic() + self.timeout
        while is_wanted():
            if self._is_back():
                return True
            if time.monotonic() > end:
                raise InfrastructureError(
                    "AutoMAXConfig.scheduler", f"a Dask scheduler that answers within {self.timeout:g} s",
                    f"none at {self.address}",
                    "Start it and its workers, and start the search again in the same way: it is resumed, and no trial is spent.",
                )  # fmt: skip
            time.sleep(_POLL)
        return False

    def _is_back(self) -> bool:
        if self.client.status == "closed":  # it has given up; until then it tries to connect by itself
            self._replace()
        return self.is_up

    def _replace(self) -> None:
        with suppress(ExecutionError):
            self.client = connect(self.address, RECONNECT_SECONDS, self._security)
            self._is_ours = True

    def close(self) -> None:
        """Close the client, unless it is the user's."""
        if self._is_ours:
            self.client.close()


def connect(scheduler: str, timeout: float, security: Any = None) -> Client:
    """A client of a scheduler.

    Args:
        scheduler: its address, or the path of its scheduler file.
        timeout: seconds that it may take to answer.
        security: certificates, as of `distributed.Client`.

    Raises:
        ExecutionError: if it does not answer.
    """
    from distributed import Client

    where: dict[str, Any] = {"scheduler_file" if Path(scheduler).is_file() else "address": scheduler}
    if security is not None:
        where["security"] = security
    try:
        return Client(timeout=timeout, **where)
    except Exception as error:
        raise ExecutionError(
            "AutoMAXConfig.scheduler", "a Dask scheduler that answers, or its scheduler file", f"{scheduler!r}: {error}",
            "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`.",
        ) from error  # fmt: skip
