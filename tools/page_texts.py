"""Collects the texts of the pages: `python -m tools.page_texts` brings the catalogues of translations up to date."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parents[1] / "src/mechshare/entrypoints/web"
LANGUAGES = ("ja",)
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"silent": "false", "trimmed": "true"}}


def catalogue_file(language: str) -> Path:
    return PAGES / "locale" / language / "LC_MESSAGES" / "messages.po"


def read_catalogue(language: str) -> Catalog:
    """Returns the stored catalogue of `language`; an empty one if there is none."""
    file = catalogue_file(language)
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as texts:
        return read_po(texts, locale=language)


def extract() -> Catalog:
    """Returns all texts of the pages, without translations."""
    template = Catalog(project="mechshare", charset="utf-8")
    found = extract_from_dir(PAGES, _METHODS, _OPTIONS)
    for _, _, text, comments, context in sorted(found, key=lambda one: str(one[2])):
        template.add(text, auto_comments=comments, context=context)
    return template


def untranslated(language: str) -> list[str]:
    """Returns the texts that `language` lacks or that only resemble a former one, and the unused translations."""
    stored, texts = read_catalogue(language), extract()
    missing = [one.id for one in texts if one.id and not _is_translated(stored, one.id, one.context)]
    unused = [one.id for one in stored if one.id and texts.get(one.id, one.context) is None]
    return [str(text) for text in (*missing, *unused)]


def update(language: str) -> None:
    """Adds the new texts to the catalogue of `language`, and removes those that no page shows any more."""
    catalogue = read_catalogue(language)
    catalogue.update(extract(), no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    file = catalogue_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as texts:
        write_po(
            texts,
            catalogue,
            width=0,
            sort_output=True,
            no_location=True,
            ignore_obsolete=True,
            omit_header=True,
        )


def _is_translated(catalogue: Catalog, text: object, context: str | None) -> bool:
    message = catalogue.get(text, context)  # type: ignore[arg-type]
    if message is None or message.fuzzy:
        return False
    translation = message.string
    return all(translation) if isinstance(translation, tuple | list) else bool(translation)


if __name__ == "__main__":
    for name in LANGUAGES:
        update(name)
        print(*untranslated(name), sep="\n")
