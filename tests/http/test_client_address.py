"""The client's address behind proxies that are trusted and proxies that are not."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from mechshare.domain.addresses import limited_address
from mechshare.entrypoints.http.protocol.client_address import (
    ClientAddresses,
    canonical_address,
)

TRUSTED = ClientAddresses(["10.0.0.1", "172.16.0.0/12", "2001:db8::/32"])


def scope(peer: str, *forwarded: str) -> Any:
    headers = [(b"x-forwarded-for", field.encode("latin-1")) for field in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("172.31.255.254", ["203.0.113.1, 172.20.0.9"], "203.0.113.1"),
        ("172.32.0.1", ["203.0.113.1"], "172.32.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("2001:db8::9", ["2001:DB9:0:0::1"], "2001:db9::1"),
        ("10.0.0.1", ["198.51.100.9", "203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["spoofed, 203.0.113.1:5000"], "203.0.113.1"),
        ("10.0.0.1", ["[2001:db9::1]:5000"], "2001:db9::1"),
        ("10.0.0.1", ["203.0.113.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1, fe80::1%eth0"], "10.0.0.1"),
        ("10.0.0.1", ["\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", [", ".join(["10.0.0.1"] * 5_000)], "10.0.0.1"),
        ("", ["203.0.113.1"], ""),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert TRUSTED.find(scope(peer, *forwarded)) == address


def standard(peer: str, *forwarded: str) -> Any:
    headers = [(b"forwarded", field.encode("latin-1")) for field in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["for=203.0.113.1"], "203.0.113.1"),
        (["For=203.0.113.1;proto=https;by=10.0.0.1;host=mechshare.example"], "203.0.113.1"),
        (['proto=https; FOR="203.0.113.1:5000"'], "203.0.113.1"),
        (['for="[2001:db9::1]:5000"'], "2001:db9::1"),
        (["for=198.51.100.9, for=203.0.113.1, for=172.20.0.9"], "203.0.113.1"),
        (["for=198.51.100.9", "for=203.0.113.1"], "203.0.113.1"),
        (["for=203.0.113.1;;"], "203.0.113.1"),
        (['for=";, for=203.0.113.1'], "203.0.113.1"),  # a client's open quotation mark hides no proxy's entry
        (['for="203.0.113.1'], "10.0.0.1"),
        (["for=203.0.113.1;for=203.0.113.2"], "10.0.0.1"),
        (["for=_hidden"], "10.0.0.1"),
        (["for=unknown"], "10.0.0.1"),
        (["for=203.0.113.1, for=unknown"], "10.0.0.1"),
        (["proto=https"], "10.0.0.1"),
        (["203.0.113.1"], "10.0.0.1"),
        (['for=203.0.113.1;host="a, for=192.0.2.1"'], "10.0.0.1"),
        (["for=" + " " * 60_000 + "x"], "10.0.0.1"),
        (["; " * 30_000 + "x"], "10.0.0.1"),
        ([", ".join(["for=10.0.0.1"] * 5_000)], "10.0.0.1"),
        ([""], "10.0.0.1"),
        (["\xff"], "10.0.0.1"),
    ],
)
def test_the_standard_field_names_the_client_as_well(forwarded: list[str], address: str) -> None:
    assert TRUSTED.find(standard("10.0.0.1", *forwarded)) == address
    assert TRUSTED.find(standard("198.51.100.7", *forwarded)) == "198.51.100.7"


@pytest.mark.parametrize("field", ["203.0.113.1", "unknown", ""])
def test_the_standard_field_counts_only_without_x_forwarded_for(field: str) -> None:
    both = standard("10.0.0.1", "for=192.0.2.1")
    both["headers"].append((b"x-forwarded-for", field.encode()))
    assert TRUSTED.find(both) == (field if field == "203.0.113.1" else "10.0.0.1")


def test_without_a_trusted_proxy_no_forwarded_address_is_used() -> None:
    assert ClientAddresses([]).find(scope("10.0.0.1", "203.0.113.1")) == "10.0.0.1"


def test_a_connection_without_an_address_has_none() -> None:
    assert TRUSTED.find({**scope("", "203.0.113.1"), "client": None}) == ""


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "::1%eth0", "1" * 10_000, "[::1", "1.2.3.4.5"])
def test_an_invalid_address_counts_as_no_address(text: str) -> None:
    assert canonical_address(text) in ("", "::1")


def test_ipv6_is_limited_by_the_network_of_64_bits() -> None:
    assert limited_address("2001:db8:1:2:3:4:5:6") == limited_address("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert limited_address("2001:db8:1:3::") != limited_address("2001:db8:1:2::")
    assert limited_address("203.0.113.1") == "203.0.113.1"
    assert limited_address("") == ""


@pytest.mark.parametrize(("name", "prefix"), [("X-Forwarded-For", ""), ("Forwarded", "for=")])
async def test_only_the_first_ignored_forwarding_is_logged(open_site: Any, name: str, prefix: str) -> None:
    site = await open_site()
    with capture_logs() as logs:
        for number in range(3):
            await site.client.get("/api/v1/mechanisms", headers={name: f"{prefix}203.0.113.{number}"})
    warnings = [entry for entry in logs if entry["event"] == "forwarded_for_ignored"]
    assert [entry["peer"] for entry in warnings] == ["127.0.0.1"]


async def test_forwarding_by_a_trusted_proxy_logs_no_warning(open_site: Any) -> None:
    site = await open_site(trusted_proxies=("127.0.0.0/8",))
    with capture_logs() as logs:
        await site.client.get("/api/v1/mechanisms", headers={"X-Forwarded-For": "203.0.113.1"})
    assert not [entry for entry in logs if entry["event"] == "forwarded_for_ignored"]
