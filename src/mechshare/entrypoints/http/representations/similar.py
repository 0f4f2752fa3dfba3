"""Representations of mechanisms that move alike."""

from collections.abc import Sequence

from msgspec import Struct

from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    MediaAddresses,
    mechanism_response,
)
from mechshare.services.support.similar_motions import SimilarMechanism


@published("SimilarMechanism")
class SimilarResponse(Struct):
    """`likeness` is 0 to 1. `duplicate` says that the clips seem to be one, perhaps altered: a hint, never certain."""

    mechanism: MechanismResponse
    likeness: float
    duplicate: bool


def similar_response(found: Sequence[SimilarMechanism], addresses: MediaAddresses) -> list[SimilarResponse]:
    return [
        SimilarResponse(mechanism_response(one.item, addresses), one.likeness, one.is_duplicate)
        for one in found
    ]
