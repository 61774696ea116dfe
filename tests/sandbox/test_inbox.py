"""The inbox page: safe with whatever people write, closed to other sites."""

from tests.sandbox.world import LEAD, World, mail

SCRIPT = "<script>alert(1)</script>"


async def test_what_people_write_is_text_on_the_page(late: World) -> None:
    await late.mailer.send(mail(to_name=SCRIPT, subject=SCRIPT, text=SCRIPT, html=SCRIPT))
    await late.texter.send(touch_id="lead.sms-1", to=LEAD, body=SCRIPT + "'\" onload=x", validity_s=300)
    async with late.http.get(late.url + "/") as answer:
        page = await answer.text()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "lead.sms-1" in page
    assert "onclick" not in page
    assert "<script>" not in page


async def test_the_html_of_a_mail_is_shown_in_a_frame_that_may_do_nothing(late: World) -> None:
    sent = await late.mailer.send(mail(html=f"<p style='color:red'>x</p>{SCRIPT}"))
    async with late.http.get(f"{late.url}/messages/{sent.provider_id}/html") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox;")
        assert "default-src 'none'" in policy
    async with late.http.get(late.url + "/rows") as answer:
        assert 'iframe sandbox=""' in await answer.text()


async def test_other_sites_cannot_change_or_read_anything(late: World) -> None:
    sid = (await late.texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)).provider_id
    url = f"{late.url}/api/messages/{sid}/opt_out"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ):
        async with late.http.post(url, headers=headers) as answer:
            assert answer.status == 403, headers
    async with late.http.get(late.url + "/api/messages", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with late.http.post(url, headers={"Origin": late.url, "Sec-Fetch-Site": "same-origin"}) as answer:
        assert answer.status == 204


async def test_the_buttons_work_without_scripts(late: World) -> None:
    sid = (await late.texter.send(touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300)).provider_id
    headers = {"Accept": "text/html", "Origin": late.url}
    async with late.http.post(
        f"{late.url}/api/messages/{sid}/reply", data={"text": "call me"}, headers=headers, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"/#m-{sid}")
    form = {"address": LEAD, "setting": "call", "value": "answer", "message": sid}
    async with late.http.post(f"{late.url}/people", data=form, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 303
    async with late.http.get(f"{late.url}/api/people/{LEAD}") as answer:
        assert (await answer.json())["call"] == "answer"


async def test_the_list_is_filtered_and_newest_first(late: World) -> None:
    for number in range(3):
        await late.texter.send(touch_id=f"lead.sms-{number}", to=LEAD, body="hi", validity_s=300)
    await late.mailer.send(mail())
    assert [m["touch_id"] for m in await late.messages(channel="sms", limit="2")] == ["lead.sms-2", "lead.sms-1"]
    assert [m["channel"] for m in await late.messages(to="ana@example.com")] == ["email"]
    assert len(await late.messages(to=LEAD)) == 3
    assert len(await late.messages(touch="lead.sms-1")) == 1
