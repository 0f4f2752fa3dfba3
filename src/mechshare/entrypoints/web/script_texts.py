"""The texts that scripts of the pages show. Scripts find them by key."""


def _(text: str) -> str:
    """Marks `text` for the catalogues."""
    return text


SCRIPT_TEXTS = {
    "failed": _("That did not work. Check the connection and try again."),
    "copied": _("Copied"),
    "loading": _("Loading …"),
    "retry": _("Try again"),
    "more": _("Show more"),
    "more_failed": _("The next mechanisms did not load."),
    "more_shown": _("More mechanisms shown: {count}"),
    "suggestions": _("Suggestions"),
    "suggestion_count": _("Suggestions: {count}. Choose with the arrow keys."),
}
