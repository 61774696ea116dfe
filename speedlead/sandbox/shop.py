"""A page of somebody else's: another origin than the gateway, a strict policy, a form that the widget takes over."""

from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


class Shop:
    """`gateway_url`: where the widget comes from, and the form goes to."""

    def __init__(self, *, gateway_url: str) -> None:
        self._gateway = gateway_url
        self._pages = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/shop", self.page), web.get("/shop/thanks", self.page)]

    async def page(self, request: web.Request) -> web.Response:
        here, url = f"{request.scheme}://{request.host}", self._gateway
        policy = (
            f"default-src 'none'; script-src {url}; connect-src {url}; form-action {url} {here}; style-src 'self'; "
            "img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        text = self._pages.get_template("shop.html").render(
            gateway=url, here=here, thanks=request.path.endswith("/thanks")
        )
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "strict-origin-when-cross-origin"}
        return web.Response(text=text, content_type="text/html", headers=headers)
