"""A step that sends what the owner has recorded, in the owner's name (REQ 95)."""

from speedlead.contracts import TouchRequest, TouchResult, TouchState
from speedlead.store.reps import set_video
from tests.activities.house import NOW, House

VIDEO, PICTURE = "https://video.acme.example/anna?a=1&b=2", "https://video.acme.example/anna.jpg"


async def send(house: House, lead: str) -> TouchResult:
    request = TouchRequest(lead_id=lead, step="video-1", channel="email", template="video", planned_at=NOW)
    return await house.run(house.messaging.send, request)  # type: ignore[no-any-return]


async def test_the_owners_video_goes_out_in_the_owners_name(house: House) -> None:
    anna = await house.rep("Anna Berg", video_url=VIDEO, video_thumbnail=PICTURE)
    lead = await house.lead(owner_id=anna)
    assert (await send(house, lead)).state is TouchState.SENT
    [mail] = house.mail.requests
    assert mail.from_name is not None
    assert mail.from_name.startswith("Anna Berg")
    assert f"Watch the video: {VIDEO}" in mail.text
    assert "\nAnna Berg\n" in mail.text
    assert f'<img src="{PICTURE}" alt="" width="320">' in mail.html
    assert 'href="https://video.acme.example/anna?a=1&amp;b=2"' in mail.html
    touch = await house.touch(lead, "video-1")
    assert touch is not None
    assert touch["versions"]["template"] == "email/video.en v1"


async def test_without_a_recording_the_step_is_left_out(house: House) -> None:
    lead = await house.lead(owner_id=await house.rep("Anna Berg"))
    result = await send(house, lead)
    assert (result.state, result.reason) == (TouchState.SKIPPED, "no_video")
    touch = await house.touch(lead, "video-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == ("skipped", "no_video")
    assert house.mail.requests == []


async def test_without_an_owner_the_step_is_left_out(house: House) -> None:
    assert (await send(house, await house.lead())).reason == "no_video"


async def test_a_recording_is_set_and_taken_away(house: House) -> None:
    anna = await house.rep("Anna Berg", email="Anna.Berg@acme.example")
    assert await set_video(house.pool, "anna.berg@acme.example", VIDEO, PICTURE)
    kept = "select video_url || ' ' || video_thumbnail from rep where id = $1"
    assert await house.pool.fetchval(kept, anna) == f"{VIDEO} {PICTURE}"
    assert await set_video(house.pool, "anna.berg@acme.example", None, PICTURE)
    assert await house.pool.fetchval("select count(*) from rep where coalesce(video_url, video_thumbnail) is null") == 1
    assert not await set_video(house.pool, "nobody@acme.example", VIDEO, None)
