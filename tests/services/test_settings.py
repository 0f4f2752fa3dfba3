import os
from pathlib import Path

import pytest

from mechshare.setting_values import SettingsError
from mechshare.settings import MAX_SECRET_BYTES, SECRETS, Settings, load


def test_no_setting_is_required():
    settings = load({})
    assert settings.data.is_absolute()
    assert settings.database_url == f"sqlite:///{settings.data}/mechshare.db"
    assert settings.blobs_url == f"file://{settings.data}/blobs"
    assert (settings.secret, settings.port, settings.token_algorithm) == ((), 8000, "HS256")


def test_variables_of_other_programs_are_ignored():
    assert load({"PATH": "/bin", "mechshare_port": "1"}) == load({})


def test_everything_is_stored_under_the_data_folder():
    settings = load({"MECHSHARE_DATA": "/srv/mechshare"})
    assert settings.data == Path("/srv/mechshare")
    assert settings.database_url == "sqlite:////srv/mechshare/mechshare.db"
    assert settings.blobs_url == "file:///srv/mechshare/blobs"


def test_only_characters_that_end_a_path_in_a_url_are_quoted():
    settings = load({"MECHSHARE_DATA": "/srv/C#/100%/wh?t/歯車 1"})
    assert settings.data == Path("/srv/C#/100%/wh?t/歯車 1")
    assert settings.database_url == "sqlite:////srv/C%23/100%25/wh%3Ft/歯車 1/mechshare.db"
    assert settings.blobs_url == "file:///srv/C%23/100%25/wh%3Ft/歯車 1/blobs"
    assert settings.search_url == "sqlite:////srv/C%23/100%25/wh%3Ft/歯車 1/search.db"


def test_every_setting_can_be_set():
    names = set(Settings.__dataclass_fields__) - {"options", "copies"}
    worded = {"secret", "token_algorithm", "log_format", "trusted_proxies", "public_url", "cors_origins"}
    worded |= {"external_media_hosts", "evidence", "registration", "anonymous", "categories", "media_offload"}
    worded |= {"webhook_private_addresses"}
    for name in sorted(names - worded):
        assert getattr(load({f"MECHSHARE_{name.upper()}": "7"}), name) in (7, "7", Path("7").absolute())


def test_an_empty_setting_is_an_unset_one():
    names = set(Settings.__dataclass_fields__) - {"options", "copies"}
    assert load({f"MECHSHARE_{name.upper()}": "" for name in names}) == load({})


def test_a_misspelt_setting_is_refused_with_similar_names():
    with pytest.raises(SettingsError, match=r"MECHSHARE_PROT is not a setting.*MECHSHARE_PORT"):
        load({"MECHSHARE_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "app.example.com"),
        ("CORS_ORIGINS", "https://app.example.com/path"),
        ("CORS_ORIGINS", "https://a.example, null"),
        ("PUBLIC_URL", "tools.example.com"),
        ("PUBLIC_URL", "https://tools.example.com/?x=1"),
        ("PUBLIC_URL", "ftp://tools.example.com"),
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "1.5"),
        ("PORT", "٨"),
        ("PORT", "9" * 400),
        ("WORKERS", "0"),
        ("MAX_UPLOAD_BYTES", "0"),
        ("LOG_FORMAT", "xml"),
        ("TOKEN_ALGORITHM", "none"),
        ("SECRET", "x" * 31),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1;10.0.0.2"),
        ("TRUSTED_PROXIES", "10.0.0.5/8"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name, value):
    with pytest.raises(SettingsError, match=f"MECHSHARE_{name}"):
        load({f"MECHSHARE_{name}": value})


def test_a_secret_is_not_printed():
    secret = "s" * 32
    assert load({"MECHSHARE_SECRET": secret}).secret == (secret.encode(),)
    assert secret not in repr(load({"MECHSHARE_SECRET": secret}))
    with pytest.raises(SettingsError) as refused:
        load({"MECHSHARE_SECRET": "short secret"})
    assert "short secret" not in str(refused.value)


def test_proxies_are_listed_with_or_without_spaces():
    settings = load({"MECHSHARE_TRUSTED_PROXIES": "10.0.0.1, 2001:DB8::0:1 ,,172.16.0.0/12, 2001:DB8::/32"})
    assert settings.trusted_proxies == ("10.0.0.1", "2001:db8::1", "172.16.0.0/12", "2001:db8::/32")


def test_origins_and_the_public_url_lose_the_slash_at_their_end():
    settings = load(
        {
            "MECHSHARE_CORS_ORIGINS": "https://*.example.com/, http://localhost:*,*",
            "MECHSHARE_PUBLIC_URL": "https://tools.example.com/mechshare/",
        }
    )
    assert settings.cors_origins == ("https://*.example.com", "http://localhost:*", "*")
    assert settings.public_url == "https://tools.example.com/mechshare"


def test_every_setting_with_a_secret_can_be_read_from_a_file(tmp_path):
    fields = Settings.__dataclass_fields__.values()
    hidden = {field.name for field in fields if not field.repr or field.name.endswith("_url")}
    assert hidden - {"options", "copies", "public_url"} == SECRETS
    for name in SECRETS:
        file = tmp_path / name
        file.write_text(f"redis://user:p w@host/{'x' * 32}\r\n")
        setting = f"MECHSHARE_{name.upper()}"
        read = load({f"{setting}_FILE": str(file)})
        assert read == load({setting: f"redis://user:p w@host/{'x' * 32}"})
        assert load({setting: "y" * 32, f"{setting}_FILE": ""}) == load({setting: "y" * 32})


def test_a_file_and_a_value_for_one_setting_are_refused(tmp_path):
    (tmp_path / "secret").write_text("f" * 32)
    environ = {"MECHSHARE_SECRET": "v" * 32, "MECHSHARE_SECRET_FILE": str(tmp_path / "secret")}
    with pytest.raises(SettingsError, match="MECHSHARE_SECRET and MECHSHARE_SECRET_FILE are both set"):
        load(environ)


def test_a_file_that_cannot_be_used_is_named_and_not_shown(tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_bytes(b"s" * (MAX_SECRET_BYTES + 1))
    (tmp_path / "short").write_text("too short")
    os.mkfifo(tmp_path / "pipe")
    reasons = {
        "missing": "No such file",
        "empty": "is empty",
        "long": "longer than",
        "short": "at least 32 bytes",
        "pipe": "regular file",
        "a\0b": "null",
        ".": "regular file",
    }
    for name, reason in reasons.items():
        with pytest.raises(SettingsError, match=f"^MECHSHARE_SECRET.*{reason}") as refused:
            load({"MECHSHARE_SECRET_FILE": f"{tmp_path}/{name}"})
        assert "too short" not in str(refused.value)


def test_a_setting_without_a_secret_has_no_file(tmp_path):
    with pytest.raises(SettingsError, match="MECHSHARE_PORT_FILE is not a setting"):
        load({"MECHSHARE_PORT_FILE": str(tmp_path)})


@pytest.mark.parametrize("text", ["{0},{1}", "{0}\n{1}\n", " {0} ,\r\n{1},\n", "{0}\n\n{1}"])
def test_secrets_are_separated_by_commas_or_line_ends(text):
    first, second = "a" * 32, "b" * 32
    assert load({"MECHSHARE_SECRET": text.format(first, second)}).secret == (first.encode(), second.encode())


@pytest.mark.parametrize("text", [f"{'a' * 32},short", ",", f"{'a' * 32}\n{'a' * 32}"])
def test_a_list_of_secrets_with_a_short_or_repeated_one_is_refused_and_not_shown(text):
    with pytest.raises(SettingsError, match=r"^MECHSHARE_SECRET") as refused:
        load({"MECHSHARE_SECRET": text})
    assert "aaaa" not in str(refused.value)
    assert "short" not in str(refused.value)


def test_hosts_of_external_media_are_listed_or_none():
    assert load({}).external_media_hosts == ("*",)
    assert load({"MECHSHARE_EXTERNAL_MEDIA_HOSTS": "none"}).external_media_hosts == ()
    listed = load({"MECHSHARE_EXTERNAL_MEDIA_HOSTS": " Media.example.com ,*.example.org,"})
    assert listed.external_media_hosts == ("media.example.com", "*.example.org")


@pytest.mark.parametrize(
    "text", ["*,a.example", "https://a.example", "a.*.example", ",", "*example.org", "none,a.example"]
)
def test_an_invalid_list_of_hosts_is_refused(text):
    with pytest.raises(SettingsError, match="MECHSHARE_EXTERNAL_MEDIA_HOSTS"):
        load({"MECHSHARE_EXTERNAL_MEDIA_HOSTS": text})
