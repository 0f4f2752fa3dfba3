"""Storage quotas as people type them in forms."""

from mechshare.domain.errors import InvalidField
from mechshare.domain.storage_quotas import QuotaOverride
from mechshare.entrypoints.web.forms import FormFields
from mechshare.sizes import bytes_in


def quota_in(fields: FormFields) -> QuotaOverride:
    """Returns what the field `quota` has: a size, or nothing for the default. Raises InvalidField."""
    text = fields.text("quota").strip()
    size = bytes_in(text)
    if text and size is None:
        raise InvalidField(
            "quota",
            en="Enter a size such as 500 MB or 2 GB, 0 for no limit, or nothing for the default.",
            ja="500 MB や 2 GB のような容量、0（無制限）、または空欄（既定値）を入力してください。",
        )
    return QuotaOverride(size)


def quota_text(size: int | None) -> str:
    """Returns a size as `bytes_in` reads it, exactly; empty for None."""
    if size is None:
        return ""
    for unit in ("", "KiB", "MiB", "GiB"):
        if size % 1024 or not size or unit == "GiB":
            return f"{size} {unit}".strip()
        size //= 1024
    return str(size)
