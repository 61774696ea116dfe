"""By what a rep wants to be told, and the browsers and phones that take web push for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import ids

# a person's phone, tablet and computers; more is somebody's script
MOST_DEVICES = 10


@dataclass(frozen=True, slots=True)
class Wishes:
    """`mobile`: the number for texts where it is not the rep's own `phone`."""

    phone: str | None
    mobile: str | None
    sms: bool
    push: bool
    email: bool


async def wishes(conn: Any, rep_id: str) -> Wishes:
    row = await conn.fetchrow(
        """select r.phone, k.mobile, coalesce(k.sms, true) as sms, coalesce(k.push, true) as push,
               coalesce(k.email, true) as email
           from rep r left join rep_channel k on k.rep_id = r.id where r.id = $1::text::uuid""",
        rep_id,
    )
    return Wishes(**row)


async def set_wishes(conn: Any, rep_id: str, mobile: str | None, sms: bool, push: bool, email: bool) -> None:
    await conn.execute(
        """insert into rep_channel (rep_id, mobile, sms, push, email) values ($1, $2, $3, $4, $5)
           on conflict (rep_id) do update set mobile = $2, sms = $3, push = $4, email = $5""",
        rep_id, mobile, sms, push, email,
    )  # fmt: skip


async def devices(conn: Any, rep_id: str) -> Sequence[Any]:
    """Newest first: id, endpoint, p256dh, auth, name, created_wall."""
    rows: Sequence[Any] = await conn.fetch(
        """select id::text as id, endpoint, p256dh, auth, name, created_wall from push_device
           where rep_id = $1::text::uuid order by created_wall desc, id""",
        rep_id,
    )
    return rows


async def put_device(
    conn: Any, rep_id: str, *, endpoint: str, p256dh: str, auth: str, name: str, wall: datetime
) -> None:
    """A browser belongs to whom it has registered last; the oldest one goes where there are too many."""
    await conn.execute(
        """insert into push_device (id, rep_id, endpoint, p256dh, auth, name, created_wall)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (endpoint) do update
           set rep_id = $2, p256dh = $4, auth = $5, name = $6, created_wall = $7""",
        ids.new_id(), rep_id, endpoint, p256dh, auth, name, wall,
    )  # fmt: skip
    await conn.execute(
        """delete from push_device where id in (select id from push_device where rep_id = $1::text::uuid
           order by created_wall desc, id offset $2)""",
        rep_id, MOST_DEVICES,
    )  # fmt: skip


async def drop_device(conn: Any, rep_id: str, device_id: str) -> None:
    await conn.execute(
        "delete from push_device where rep_id = $1::text::uuid and id = $2::text::uuid", rep_id, device_id
    )


async def drop_endpoint(conn: Any, endpoint: str) -> None:
    """The browser has let go of it."""
    await conn.execute("delete from push_device where endpoint = $1", endpoint)
