"""Addresses that came from outside: which of them are connected to, however they are spelled."""

import ipaddress
import socket
from typing import Any

import pytest
from yarl import URL

from speedlead.providers.webpush import public_session
from speedlead.public_hosts import NotPublic, PublicResolver, may_reach, public_url


@pytest.mark.parametrize(
    "number",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "::", "fe80::1", "fd00::1", "fec0::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
     "ff0e::1"],
)  # fmt: skip
def test_addresses_of_the_house_are_not_reached(number: str) -> None:
    assert not may_reach(ipaddress.ip_address(number))


def test_public_and_allowed_ones_are() -> None:
    assert may_reach(ipaddress.ip_address("8.8.8.8"))
    assert may_reach(ipaddress.ip_address("2606:4700::1111"))
    assert may_reach(ipaddress.ip_address("::ffff:10.0.0.1"), [ipaddress.ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    "text",
    ["https://127.0.0.1/x", "https://１２７.0.0.1/x", "https://127。0。0。1/x", "https://①27.0.0.1/x", "https://[::1]/x",
     "https://[::ffff:127.0.0.1]/x", "https://[64:ff9b::7f00:1]/x", "https://[fe80::1%25eth0]/x", "https://bücher.example/",
     "https://2130706433/", "https://127.1/", "https://017700000001/",
     "http://a.example/", "https://sam@a.example/", "https:///x", "https://[/", "https://a.example:99999/", ""],
)  # fmt: skip
def test_what_is_refused_before_anybody_connects(text: str) -> None:
    with pytest.raises(NotPublic):
        public_url(text)


def test_a_redirect_is_read_from_where_it_came() -> None:
    here = URL("https://a.example/x/y.ics")
    assert str(public_url("z.ics?k=ü", base=here)) == "https://a.example/x/z.ics?k=%C3%BC"
    for to in ("//10.0.0.1/", "//１０.0.0.1/", "http://a.example/"):
        with pytest.raises(NotPublic):
            public_url(to, base=here)


@pytest.mark.parametrize("number", ["127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1"])
async def test_a_name_that_leads_into_the_house_leads_nowhere(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        family = socket.AF_INET6 if ":" in number else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (number, port, 0, 0) if ":" in number else (number, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    async with public_session() as session:
        resolver = session.connector._resolver  # type: ignore[union-attr]
        assert isinstance(resolver, PublicResolver)
        with pytest.raises(OSError, match="not a public host"):
            await resolver.resolve("push.example", 443)
        assert resolver.refused
