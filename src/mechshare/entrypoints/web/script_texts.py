"""The texts that scripts of the pages show. Scripts find them by key."""


def _(text: str) -> str:
    """Marks `text` for the catalogues."""
    return text


SCRIPT_TEXTS = {
    "failed": _("That did not work. Check the connection and try again."),
    "copied": _("Copied"),
    "loading": _("Loading …"),
    "more": _("Show more"),
}
