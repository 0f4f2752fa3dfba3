"""How published schemas get their names."""

import pytest
from litestar.openapi.spec import Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

from mechshare.entrypoints.http.protocol.schema_names import publish_schemas, published

PREFIX = "#/components/schemas/"


@published("Cog")
class CogInTests:
    pass


def test_a_schema_and_its_references_have_the_published_name():
    reference = Reference(ref=f"{PREFIX}mechshare.tests.CogInTests")
    renamed = publish_schemas({"mechshare.tests.CogInTests": Schema()}, {"/cogs": reference})
    assert list(renamed) == ["Cog"]
    assert reference.ref == f"{PREFIX}Cog"


def test_a_page_is_named_after_its_items():
    assert list(publish_schemas({"PageResponse_CogInTests_": Schema()}, {})) == ["CogPage"]


def test_a_schema_without_a_name_is_refused():
    with pytest.raises(LookupError, match="Sprocket"):
        publish_schemas({"mechshare.routes.Sprocket": Schema()}, {})


def test_two_classes_of_one_name_are_refused():
    class CogInTests:
        pass

    with pytest.raises(ValueError, match="CogInTests"):
        published("Gear")(CogInTests)


def test_identifiers_are_uuids_and_slugs_are_not():
    names = ("id", "cog_id", "category_id", "request_id", "idea")
    schema = Schema(properties={name: Schema(type=OpenAPIType.STRING) for name in names})
    publish_schemas({"CogInTests": schema}, {})
    assert [name for name, one in schema.properties.items() if one.format] == ["id", "cog_id"]
