"""The texts of the pages."""

from tools import page_texts


def test_every_text_has_a_japanese_translation_and_no_translation_is_unused() -> None:
    assert page_texts.untranslated("ja") == []


def test_a_translation_has_the_placeholders_of_its_text() -> None:
    stored = page_texts.read_catalogue("ja")
    wrong = [message.id for message in stored if message.id and list(message.check())]
    assert wrong == []
