"""Mechanisms as JSON-LD in the vocabulary of schema.org."""

from typing import Any

from mechshare.domain.citations import page_path
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.licenses import LICENSES
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.named_values import NamedValue

_TYPES = {
    MechanismKind.CLIP: "VideoObject",
    MechanismKind.PICTURE: "ImageObject",
    MechanismKind.DOCUMENT: "DigitalDocument",
}


def linked_data(mechanism: Mechanism, author_name: str, site: str) -> dict[str, Any]:
    """Returns the mechanism as an object of schema.org; `site` is the address of the site without a trailing slash.

    Its parameters are what it is about: schema.org has no further properties for works.
    """
    url = site + page_path(mechanism.id)
    author = {"@type": "Person", "name": author_name, "url": f"{site}/u/{mechanism.user_id}"}
    facts = {
        "@context": "https://schema.org",
        "@id": url,
        "@type": _TYPES[mechanism.kind],
        "url": url,
        "identifier": url,
        "name": mechanism.title,
        "description": mechanism.description or mechanism.title,
        "author": author,
        "dateCreated": mechanism.created_at.isoformat(),
        "datePublished": mechanism.published_at.isoformat() if mechanism.published_at else None,
        "dateModified": mechanism.updated_at.isoformat(),
        "version": mechanism.version,
        "keywords": list(mechanism.categories),
        "duration": f"PT{mechanism.duration:.3f}S" if mechanism.duration else None,
        "license": LICENSES[mechanism.license] if mechanism.license else None,
        "about": [_property(one) for one in mechanism.parameters],
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def _property(parameter: NamedValue) -> dict[str, Any]:
    value = parameter.text if parameter.number is None else parameter.number
    unit = {"unitText": parameter.unit} if parameter.unit else {}
    return {"@type": "PropertyValue", "name": parameter.name, "value": value, **unit}
