"""Values of settings in the forms that other programs write."""

import pytest

from mechshare.setting_values import SettingsError
from mechshare.settings import load, side_of_copy


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 2**29),
        ("512 MiB", 2**29),
        ("512m", 2**29),
        ("0.5G", 2**29),
        ("536870912", 2**29),
        ("800kB", 819_200),
    ],
)
def test_a_size_may_have_a_unit(text: str, size: int) -> None:
    assert load({"MECHSHARE_MAX_UPLOAD_BYTES": text}).max_upload_bytes == size


@pytest.mark.parametrize("text", ["0", "512XB", "MB", "-1", "2TB", "1e3", "５MB"])
def test_an_invalid_size_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="MECHSHARE_MAX_UPLOAD_BYTES must be a size"):
        load({"MECHSHARE_MAX_UPLOAD_BYTES": text})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+psycopg", "Postgres", "postgresql"])
def test_other_names_of_a_scheme_are_understood(scheme: str) -> None:
    url = load({"MECHSHARE_DATABASE_URL": f"{scheme}://u:p@h/x"}).database_url
    assert url.lower() == "postgresql://u:p@h/x"


def test_a_copy_has_urls_and_options_of_its_own() -> None:
    chosen = load(
        {
            "MECHSHARE_BLOBS_URL": "azure:///clips",
            "MECHSHARE_BLOBS_CONNECTION_STRING": "here",
            "MECHSHARE_COPY_TO_BLOBS_URL": "azure:///others",
            "MECHSHARE_COPY_TO_BLOBS_CONNECTION_STRING": "there",
            "MECHSHARE_COPY_TO_DATABASE_URL": "postgres://h/x",
        }
    )
    source, destination = side_of_copy(chosen, "from"), side_of_copy(chosen, "to")
    assert (source.blobs_url, source.options["blobs"]) == ("azure:///clips", {"connection_string": "here"})
    assert destination.blobs_url == "azure:///others"
    assert destination.options["blobs"] == {"connection_string": "there"}
    assert destination.database_url == "postgresql://h/x"


def test_a_copy_of_what_cannot_be_copied_is_refused() -> None:
    with pytest.raises(SettingsError, match="MECHSHARE_COPY_TO_CACHE_URL is not a setting"):
        load({"MECHSHARE_COPY_TO_CACHE_URL": "redis://h"})
