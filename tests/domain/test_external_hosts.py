import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.domain.errors import InvalidField
from mechshare.domain.external_hosts import ExternalHosts, is_public

EVERY = ExternalHosts()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/clip.mp4?x=1&y=%20#t=2",
        "HTTPS://example.com/",
        "https://example.com:8443/a@b",
        "https://[2600:9000::1]:8443/clip.mp4",
        "https://日本語.jp/機構.mp4",
        "https://example.com/it's(1).mp4",
    ],
)
def test_https_urls_are_accepted_unchanged(url):
    assert EVERY.clean_url("file_url", f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///clip.mp4",
        "https://./clip.mp4",
        "https:example.com",
        "https:/example.com/x",
        "//example.com/x",
        "example.com",
        "/etc/passwd",
        "http://example.com/x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "blob:media/x/1-a.mp4",
        "data:text/html,<script>",
        "javascript:alert(1)//https://example.com",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "https://user:secret@example.com/x",
        "https://user@example.com/x",
        "https://@example.com/x",
        "https://example.com\\@evil.example/x",
        "https:\\\\evil.example/x",
        "https://evil.example\\.example.com/x",
        'https://example.com/"onerror=alert(1)',
        "https://example.com/<script>",
        "https://example.com/a b",
        "https://example.com/a\u3000b",
        "https://example.com/a\tb",
        "https://example.com/a\nb",
        "https://exam\x00ple.com/",
        "https://example.com/\u202egpj.mp4",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://[::1/x",
        "https://evil.example／x.example.com/",
        "https://example.com/" + "x" * 2000,
        "\ud800",
    ],
)
def test_anything_but_a_plain_https_url_is_refused(url):
    with pytest.raises(InvalidField) as refused:
        EVERY.clean_url("file_url", url)
    assert refused.value.field == "file_url"


@given(
    st.text(st.characters(), max_size=80)
    | st.text("htps:/@\\.?#[]%abc \t\n\x00", max_size=30).map("https://".__add__)
)
def test_no_accepted_url_has_another_scheme_or_credentials(url):
    try:
        passed = EVERY.clean_url("file_url", url)
    except InvalidField:
        return
    authority = passed[len("https://") :].split("/")[0].split("?")[0].split("#")[0]
    assert passed.lower().startswith("https://")
    assert authority
    assert "@" not in authority
    assert not set(passed) & set('\\<>" \t\r\n\x00')


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "00000177.0x0.1",
        "0",
        "0x",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "192.168.257",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "1.2.3.256",
        "1.2.3.4.5",
        "example.com.0x7f",
        "１２７.0.0.1",
        "127。0。0。1",
        "①27.0.0.1",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fc00::1]",
        "[fec0::1]",
        "[fd12::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ⓛocalhost",
        "local\u00adhost",
        "local\ufe0fhost",
        "%6cocalhost",
        "localhost.localdomain",
        "printer.local",
        "printer.LOCAL.",
        "printer。local",
        "metadata.google.internal",
        "nas.lan",
        "nas.home.arpa",
        "intranet",
        "a..example.com",
        "127.0.0.1.nip.io",
        "localtest.me",
    ],
)
def test_addresses_and_names_of_local_networks_are_refused(host):
    with pytest.raises(InvalidField):
        EVERY.clean_url("thumbnail_url", f"https://{host}/clip.mp4")


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "0x08080808",
        "[2600:9000::1]",
        "localhost.example.com",
        "local.example",
        "10.example.com",
        "1e100.net",
    ],
)
def test_public_addresses_and_names_are_accepted(host):
    assert EVERY.clean_url("file_url", f"https://{host}/clip.mp4")


def test_an_installation_can_allow_single_hosts_and_all_below_a_domain():
    some = ExternalHosts(("media.example.com", "*.example.org"))
    for host in ("media.example.com", "MEDIA.example.com.", "a.example.org", "a.b.example.org"):
        assert some.clean_url("file_url", f"https://{host}/a.mp4")
    for host in (
        "example.com",
        "x.media.example.com",
        "example.org",
        "badexample.org",
        "media.example.com.evil.net",
    ):
        with pytest.raises(InvalidField, match=r"media\.example\.com"):
            some.clean_url("file_url", f"https://{host}/a.mp4")
    with pytest.raises(InvalidField, match="Upload the clip"):
        ExternalHosts(()).clean_url("file_url", "https://media.example.com/a.mp4")


def test_a_local_name_is_refused_even_if_it_is_in_the_list():
    with pytest.raises(InvalidField):
        ExternalHosts(("nas.local",)).clean_url("file_url", "https://nas.local/a.mp4")


@given(st.text(st.characters(), max_size=40))
def test_no_host_crashes_the_check(host):
    assert is_public(host) in (True, False)
