"""All chores of this house, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.credentials import Credentials
from speedlead.ports import Clock
from speedlead.providers.assemble import Senders
from speedlead.settings import Settings


@dataclass(frozen=True)
class Means:
    """What chores work with. They run where the worker runs."""

    pool: "asyncpg.Pool[Any]"
    settings: Settings
    credentials: Credentials
    senders: Senders
    clock: Clock


def build_chores(means: Means) -> Sequence[Chore]:
    return ()
