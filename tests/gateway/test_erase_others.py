"""Erasing and giving out one person among others: nothing of somebody else, and nobody who begins meanwhile."""

import base64
import io
import json
import zipfile

from speedlead.chores.runner import run_once
from speedlead.chores.steering import steering_chore
from speedlead.contracts import LeadStatus
from speedlead.store.steering import Wanted, begin_run
from speedlead.store.transactions import transact
from tests.gateway.house import PHONE, House
from tests.gateway.test_erase import a_lead, get, post
from tests.store.test_erasure import everything

OTHER = "other.person@secret.example"


async def test_an_export_has_nothing_of_others_in_a_batch_of_events(house: House) -> None:
    mine, others = await a_lead(house), await house.lead(name="Other", email=OTHER)
    events = [
        {"email": address, "event": "bounce", "type": "bounce", "reason": f"550 no such user {address}",
         "touch_id": await house.touch(lead, "email-1", "email", address), "sg_event_id": lead, "timestamp": 1}
        for lead, address in ((mine, "zeb@zebra.example"), (others, OTHER))
    ]  # fmt: skip
    assert await house.events(*events) == 204
    kept = await house.pool.fetchval("select body from webhook")
    assert OTHER.encode() in kept
    status, body = await get(house, f"/leads/{mine}/export")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        whole, page = archive.read("data.json").decode(), archive.read("read-me.html").decode()
    found = json.loads(whole)["tables"]
    assert [row["kind"] for row in found["provider_event"]["rows"]] == ["mail/bounce"]
    for text in (whole, page):
        assert "zeb@zebra.example" in text
        for theirs in (OTHER, others, base64.b64encode(kept).decode()):
            assert theirs not in text
    # erased with the first of them, as it names both
    await post(house, f"/leads/{mine}/erase", sure="yes")
    assert await house.count("webhook") == 0


async def test_what_was_typed_as_a_reason_goes_and_a_code_stays(house: House) -> None:
    mine, others = await a_lead(house), await house.lead(name="Other", email=OTHER)
    for lead, reason in ((mine, "Zebedee is in hospital"), (mine, "vacation"), (others, "they asked for June")):
        status, page = await post(house, f"/leads/{lead}/pause", reason=reason)
        assert status == 200, page
    many = Wanted("pause", {}, "Zebedee has stripes", {mine: {}, others: {}}, {}, "admin", None, background=True)
    await transact(house.pool, lambda conn: begin_run(conn, many, house.clock.now))
    await run_once(house.pool, steering_chore(house.pool, house.behind, house.clock))
    reasons = "select array_agg(reason order by created_wall, reason) from steering_run"
    assert "Zebedee has stripes" in await house.pool.fetchval(reasons)
    await post(house, f"/leads/{mine}/erase", sure="yes")
    left = {name for name, text in (await everything(house.pool)).items() if "zeb" in text.lower()}
    assert left == set()
    assert "they asked for June" in str(await everything(house.pool))


async def test_a_lead_that_begins_while_another_is_ended_is_ended_too(house: House) -> None:
    first, second, ends = await a_lead(house), "", house.behind.update

    async def end(lead_id: str, name: str, payload: dict[str, str], *, key: str | None = None) -> LeadStatus:
        nonlocal second
        await house.close_lead(lead_id)  # its workflow does that
        if not second:
            second = await house.lead(name="Zebedee", email="zeb@zebra.example", phone=PHONE, message="me again")
        return await ends(lead_id, name, payload, key=key)

    house.behind.update = end  # type: ignore[method-assign,assignment]
    status, page = await post(house, f"/leads/{first}/erase", sure="yes")
    assert (status, "Erased." in page) == (200, True)
    assert first != second
    assert [(lead, name) for lead, name, _ in house.behind.updates] == [(first, "stop"), (second, "stop")]
    assert set(house.behind.forgotten) == {first, second}
    assert [name for name, text in (await everything(house.pool)).items() if "zeb" in text.lower()] == []


async def test_whose_leads_never_stop_beginning_is_not_erased_and_that_is_said(house: House) -> None:
    lead, ends = await a_lead(house), house.behind.update

    async def end(lead_id: str, name: str, payload: dict[str, str], *, key: str | None = None) -> LeadStatus:
        await house.close_lead(lead_id)
        await house.lead(email="zeb@zebra.example", message=f"after {lead_id}")
        return await ends(lead_id, name, payload, key=key)

    house.behind.update = end  # type: ignore[method-assign,assignment]
    status, page = await post(house, f"/leads/{lead}/erase", sure="yes")
    assert (status, "keeps writing to us" in page, "Nothing was erased" in page) == (422, True, True)
    assert await house.pool.fetchval("select name from person") == "Zebedee"


async def test_who_may_be_the_same_is_named_before_and_after(house: House) -> None:
    mine = await a_lead(house)
    work = await house.lead(name="Zebedee", email="zeb@work.example", phone=PHONE)
    nobody = await house.lead(name="Other", email=OTHER)
    for lead, same in ((mine, work), (work, mine)):
        _, page = await get(house, f"/leads/{lead}/erase")
        text = page.decode()
        assert "Perhaps the same person" in text
        assert f'href="/leads/{same}/erase"' in text
        assert nobody[:8] not in text
    assert b"Perhaps the same" not in (await get(house, f"/leads/{nobody}/erase"))[1]
    _, text = await post(house, f"/leads/{work}/erase", sure="yes")
    assert f'href="/leads/{mine}/erase"' in text
    # the erased one is nobody any more
    assert b"Perhaps the same" not in (await get(house, f"/leads/{mine}/erase"))[1]
