import pytest

from mechshare.entrypoints.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:hush@h:5432/x", "postgresql://u:***@h:5432/x"),
        ("postgresql://u:hu@sh@h/x", "postgresql://u:***@h/x"),
        ("postgresql://u:hu/s#h@h/x", "postgresql://u:***@h/x"),
        (
            "postgresql://u@h/x?password=hush&sslmode=require",
            "postgresql://***@h/x?password=***&sslmode=require",
        ),
        ("rediss://:hush@h:6380/0", "rediss://:***@h:6380/0"),
        ("opensearch+https://u:hush@h:9200/alias", "opensearch+https://u:***@h:9200/alias"),
        (
            "from postgresql://a:x@h/1 to postgresql://b:y@h/2",
            "from postgresql://a:***@h/1 to postgresql://b:***@h/2",
        ),
        (
            "AccountName=a;AccountKey=hu/sh+==;BlobEndpoint=http://h/a",
            "AccountName=a;AccountKey=***;BlobEndpoint=http://h/a",
        ),
        ("https://h/c/b?sv=1&sig=hush%3D&se=2", "https://h/c/b?sv=1&sig=***&se=2"),
        ("postgresql://u:hu sh wo@rd@h/x", "postgresql://u:***@h/x"),
        (
            "postgresql://h/x?sslpassword=hu sh&sslkey=/hush&sslmode=a",
            "postgresql://h/x?sslpassword=***&sslkey=***&sslmode=a",
        ),
        ("redis://hush@h/0", "redis://***@h/0"),
        ("host=h password='hu sh' user=u", "host=h password=*** user=u"),
        ("AccountKey=hu sh;BlobEndpoint=http://h/a", "AccountKey=***;BlobEndpoint=http://h/a"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    ["sqlite:////a/mechshare.db", "file:///a@b", "azure:///clips", "http://h/a:b@c", "postgresql://h/x"],
)
def test_everything_else_is_shown(text: str) -> None:
    assert masked(text) == text
