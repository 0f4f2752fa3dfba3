"""The rules of an installation about what users state about mechanisms."""

from dataclasses import dataclass

from mechshare.domain.evidence import EvidenceRule, Support, support_of
from mechshare.domain.external_hosts import ExternalHosts
from mechshare.domain.mechanisms import Mechanism
from mechshare.services.support.category_names import CategoryNames
from mechshare.services.transactions import Transaction


@dataclass(frozen=True, slots=True)
class ContentRules:
    external_hosts: ExternalHosts
    evidence: EvidenceRule
    category_names: CategoryNames

    def require_new_level(self, mechanism: Mechanism) -> None:
        """Raises EvidenceMissing if the level needs claims: a new mechanism has none."""
        self.evidence.require_carried(mechanism.reliability, Support())

    async def require_level(self, tx: Transaction, before: Mechanism, after: Mechanism) -> None:
        """Raises EvidenceMissing if the claims do not carry the level, and it was not stated before."""
        if after.reliability_level != before.reliability_level:
            support = support_of(after, await tx.claims.find_stances(after.id))
            self.evidence.require_carried(after.reliability, support)
