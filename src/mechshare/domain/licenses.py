"""The licences under which authors share their content, by their SPDX identifiers."""

from collections.abc import Mapping

from mechshare.domain.errors import InvalidField

_CREATIVE_COMMONS = "https://creativecommons.org"
LICENSES: Mapping[str, str] = {
    "CC0-1.0": f"{_CREATIVE_COMMONS}/publicdomain/zero/1.0/",
    "CC-BY-4.0": f"{_CREATIVE_COMMONS}/licenses/by/4.0/",
    "CC-BY-SA-4.0": f"{_CREATIVE_COMMONS}/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": f"{_CREATIVE_COMMONS}/licenses/by-nc/4.0/",
    "CC-BY-NC-SA-4.0": f"{_CREATIVE_COMMONS}/licenses/by-nc-sa/4.0/",
    "CC-BY-ND-4.0": f"{_CREATIVE_COMMONS}/licenses/by-nd/4.0/",
    "CC-BY-NC-ND-4.0": f"{_CREATIVE_COMMONS}/licenses/by-nc-nd/4.0/",
    **{
        id: f"https://spdx.org/licenses/{id}.html"
        for id in (
            "CERN-OHL-P-2.0",
            "CERN-OHL-W-2.0",
            "CERN-OHL-S-2.0",
            "Apache-2.0",
            "BSD-3-Clause",
            "GPL-3.0-or-later",
            "MIT",
        )
    },
}
"""The address of each licence's text. The table is closed, so that a statement always has a known meaning."""
_BY_LOWER_CASE = {id.lower(): id for id in LICENSES}


def clean_license(id: str | None) -> str | None:
    """Returns the identifier as SPDX writes it; None for none, or an empty one. Raises InvalidField."""
    if id is None or not id.strip():
        return None
    known = _BY_LOWER_CASE.get(id.strip().lower())
    if known is None:
        listed = ", ".join(LICENSES)
        raise InvalidField(
            "license",
            en=f"must be one of these SPDX identifiers: {listed}.",
            ja=f"次の SPDX 識別子のいずれかを指定してください: {listed}",
        )
    return known
