"""The page of another site that shows the widget: its policy allows the gateway, and nothing else of anybody's."""

from tests.sandbox.world import World


async def test_the_shop_allows_the_gateway_and_nothing_else(late: World) -> None:
    async with late.http.get(late.url + "/shop") as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    gateway = page.partition('<script src="')[2].partition("/widget.js")[0]
    assert f'action="{gateway}/f/demo"' in page
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert (rules["default-src"], rules["script-src"], rules["connect-src"]) == ("'none'", gateway, gateway)
    assert rules["form-action"] == f"{gateway} {late.url}"
    assert "unsafe" not in policy
    assert f'value="{late.url}/shop/thanks"' in page
    async with late.http.get(late.url + "/shop/thanks") as answer:
        assert "<form" not in await answer.text()
