"""The page on which two entries become one person, stay two, or become two again."""

from datetime import timedelta

from speedlead.chores.duplicates import duplicates_chore
from speedlead.store.knowledge import KnowledgeStore
from tests.gateway.house import House
from tests.gateway.test_people import get, post


async def test_a_pair_is_shown_merged_and_taken_apart(house: House) -> None:
    older = await house.lead(name="Ann Lee", email="ann.lee@gmail.com", phone=None)
    house.clock.now += timedelta(hours=1)
    newer = await house.lead(name="<b>Ann Lee", email="annlee+w@gmail.com", phone=None)
    house.clock.now += timedelta(hours=1)
    look = duplicates_chore(house.pool, house.clock, merges=False)
    assert await look.run() == "2 people, 1 pairs, 1 of them new"
    status, text = await get(house, "/duplicates")
    assert (status, "their mail goes to one mailbox" in text, "<b>" in text) == (200, True, False)

    status, _, where = await post(house, f"/duplicates/{older}/merge", [("other", newer)])
    assert (status, where) == (303, "/duplicates?said=merged")
    assert newer in house.behind.delivered
    assert await house.pool.fetchval("select close_reason from lead where id = $1", newer) == "duplicate"
    line = await house.pool.fetchrow("select action, object::text, asked, status from audit order by id desc limit 1")
    assert tuple(line) == ("/duplicates/{lead_id}/merge", older, {"other": newer}, 303)

    merge_id = await house.pool.fetchval("select id from merge")
    status, text, _ = await post(house, f"/duplicates/{older}/undo", [("merge", merge_id)])
    assert (status, "still ending" in text) == (409, True)
    await house.pool.execute("update message set delivered_wall = $1", house.clock.now - timedelta(minutes=2))
    assert (await post(house, f"/duplicates/{older}/undo", [("merge", merge_id)]))[0] == 303
    assert await house.pool.fetchval("select count(*) from lead where closed_at is null") == 2
    # they are two, and nobody is asked again
    assert await look.run() == "2 people, 0 pairs, 0 of them new"
    assert "No pair waits." in (await get(house, "/duplicates"))[1]


async def test_what_is_certain_is_merged_by_the_rule_and_the_rest_is_asked(house: House) -> None:
    await house.lead(name="Ann Lee", email="ann.lee@gmail.com", phone="+13105550148")
    house.clock.now += timedelta(hours=1)
    await house.lead(name="Ann Lee", email="annlee+w@gmail.com", phone="+13105550149")
    # the same number and name, and another mailbox: likely, and not certain
    await house.lead(name="Ann Lee", email="ann@other.example", phone="+13105550149")
    house.clock.now += timedelta(hours=1)
    done = await duplicates_chore(house.pool, house.clock, merges=True).run()
    assert done == "3 people, 2 pairs, 2 of them new; 1 merged"
    assert await house.pool.fetchval("select by_rule from merge")
    assert await house.pool.fetchval("select role from audit where action = 'duplicates merge'") == "rule"
    # the pair of the one that has gone is proposed again for the one that has stayed
    done = await duplicates_chore(house.pool, house.clock, merges=True).run()
    assert done == "2 people, 1 pairs, 1 of them new"
    assert "70 of 100 : same number, same name Ann Lee" in (await get(house, "/duplicates"))[1]


async def test_what_makes_no_sense_changes_nothing(house: House) -> None:
    lead = await house.lead()
    for path, fields, status in (
        (f"/duplicates/{lead}/merge", [("other", "x")], 404),
        (f"/duplicates/{lead}/merge", [("other", lead)], 409),
        (f"/duplicates/{lead}/undo", [("merge", lead)], 404),
    ):
        assert (await post(house, path, fields))[0] == status
    assert await house.count("merge") == 0


async def test_domains_of_one_company_are_joined_for_what_is_known_and_for_likeness(house: House) -> None:
    leads = [
        await house.lead(name=name, email=email, phone=None, company="Acme Corp")
        for name, email in (
            ("Ann Lee", "ann@acme.example"), ("Bo Ray", "bo@acme.example"), ("Cy Oz", "cy@acme.example"),
            ("Ann Lee", "ann@acme-labs.example"), ("Di Fox", "di@acme-labs.example"),
        )
    ]  # fmt: skip
    look = duplicates_chore(house.pool, house.clock, merges=False)
    # one name and the company as they say it are not enough; nobody of the house is proposed yet
    assert await look.run() == "5 people, 0 pairs, 0 of them new; 1 pairs of companies"
    assert "acme-labs.example 2 addresses acme.example" in (await get(house, "/duplicates"))[1]
    fields = [("domain", "acme-labs.example"), ("of_domain", "acme.example")]
    knows = KnowledgeStore(house.pool)

    async def of_company() -> int:
        parents = ("acme-labs.example",)
        return (await knows.look(leads[3], 1, parents[0], parents, house.clock.wall())).history.of_company

    assert await of_company() == 1
    assert (await post(house, "/duplicates/companies/join", fields))[0] == 303
    assert await of_company() == 4
    assert await house.pool.fetchval("select asked ->> 'domain' from audit order by id desc limit 1") == fields[0][1]
    assert await look.run() == "5 people, 1 pairs, 1 of them new"
    status, text, _ = await post(house, "/duplicates/companies/join", [fields[0], ("of_domain", "other.example")])
    assert (status, "part them first" in text) == (409, True)
    assert (await post(house, "/duplicates/companies/part", fields))[0] == 303
    house.clock.now += timedelta(days=1)
    assert await look.run() == "5 people, 0 pairs, 0 of them new"
    assert await of_company() == 1
