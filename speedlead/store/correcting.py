"""A lead's data put right, as rows. The caller then asks the workflow to read them again (update `correct`)."""

from collections.abc import Mapping
from typing import Any

from speedlead.contact_marks import NO_MARKS, Marks
from speedlead.contracts import Reach
from speedlead.correction import PLACE, CorrectionRefused, Known
from speedlead.domain.steering import CORRECT, checked
from speedlead.ports import Clock
from speedlead.store.crm import tell_corrected
from speedlead.store.people import add_email, add_phone
from speedlead.store.rows import lock_person_of, reach_of
from speedlead.store.steering import Wanted, begin_run

# why an address that was known before is not used any more
CORRECTED = "corrected"


async def known_of(conn: Any, lead_id: str) -> Known | None:
    row = await conn.fetchrow("select country, tz from lead where id = $1::text::uuid", lead_id)
    return Known(row["country"], row["tz"]) if row else None


async def correct(
    conn: Any, clock: Clock, lead_id: str, fields: Mapping[str, str], reason: str, *,
    account_id: str | None, role: str, marks: Marks = NO_MARKS,
) -> str:  # fmt: skip
    """Rows first, and with them the run that tells the workflow; its id. Raises as below, and BadRequest."""
    asked = checked(CORRECT, {"fields": " ".join(sorted(fields))}, reason)
    reach = await correct_rows(conn, clock, lead_id, fields, marks)
    item = {lead_id: {"reach": reach.model_dump(mode="json")}}
    return await begin_run(
        conn, Wanted(CORRECT, asked, reason, item, {}, role, account_id, background=True), clock.wall()
    )


async def correct_rows(
    conn: Any, clock: Clock, lead_id: str, fields: Mapping[str, str], marks: Marks = NO_MARKS
) -> Reach:
    """Writes what `read_correction` gave; how the lead may be reached from now on. The caller holds the transaction.

    An address that was typed wrongly stays known, so that what was sent there is still found, and is not used again.
    Consents go with the number that they were given for: a corrected number has none until the lead gives one.
    Raises LookupError for a lead that is not there or has closed, CorrectionRefused.
    """
    person_id = await lock_person_of(conn, lead_id)
    if person_id is None:
        raise LookupError(f"lead {lead_id}: there is no such lead")
    lead = await conn.fetchrow("select * from lead where id = $1 for update", lead_id)
    if lead["closed_at"] is not None:
        raise LookupError(f"lead {lead_id}: it has closed")
    now = clock.business(lead["clock_offset_us"])
    if "name" in fields:
        await conn.execute("update person set name = $2 where id = $1", person_id, fields["name"])
    if "email" in fields:
        await _email(conn, person_id, fields["email"], now, marks)
    if "phone" in fields:
        await _phone(conn, person_id, fields["phone"], now, marks)
    if who := fields.keys() & {"name", "email", "phone"}:
        await tell_corrected(conn, lead_id, who)
    if PLACE & fields.keys():
        await conn.execute(
            """update lead set country = coalesce($2, country), region = case when $2 <> country then $3
                   else coalesce($3, region) end, postcode = case when $2 <> country then $4
                   else coalesce($4, postcode) end, tz = coalesce($5, tz), zone = coalesce($5, tz)
               where id = $1""",
            lead_id, *(fields.get(name) for name in ("country", "region", "postcode", "tz")),
        )  # fmt: skip
    if "product" in fields:
        await conn.execute(
            """update inquiry set fields = fields || jsonb_build_object('product', $2::text)
               where lead_id = $1 and number = (select max(number) from inquiry where lead_id = $1)""",
            lead_id, fields["product"],
        )  # fmt: skip
    return await reach_of(conn, lead_id)


async def _email(conn: Any, person_id: str, address: str, now: Any, marks: Marks) -> None:
    owner = await conn.fetchval("select person_id from person_email where address = $1", address)
    if owner is not None and owner != person_id:
        raise CorrectionRefused("email", "an address that is not another person's: that person is known already")
    if owner is None:
        await add_email(conn, person_id, address, now, marks.email)
    await conn.execute(
        "update person_email set bad_reason = case when address = $2 then null else coalesce(bad_reason, $3) end "
        "where person_id = $1",
        person_id, address, CORRECTED,
    )  # fmt: skip


async def _phone(conn: Any, person_id: str, number: str, now: Any, marks: Marks) -> None:
    await add_phone(conn, person_id, number, now, marks.phone)
    await conn.execute(
        """update person_phone set bad_reason = case when number = $2 then null else coalesce(bad_reason, $3) end,
               sms_bad_reason = case when number = $2 then null else sms_bad_reason end
           where person_id = $1""",
        person_id, number, CORRECTED,
    )  # fmt: skip
