"""English compounds that are written as one word or as two: gearbox, gear box."""

from collections.abc import Iterator

from mechshare.adapters.search.text.tokenizer import stem

_FIRST_WORDS = """
    air back ball band bell belt bevel block bolt cam chain clock cog cork counter crank cross dove drive fly foot four
    free gear hair hand head inter key knife land lead lever link lock micro mid motor multi neck noise over paddle pin
    pulley push rack ratchet rock rope saw screw shaft side slide slider spring sprocket steam straight thumb time tooth
    torque treadle turn under universal water wave weight wheel wind wing work worm
"""
_LAST_STEMS = """
    arm axi back band bar base beam bear belt bit blade block board bolt box brake case chain clock clutch cog coupl
    crank cut cycl day drive fit follow frame gear guid head hole hook joint key knob lash lever lift line link lock
    mechan mill mount nut path pawl piec pin plate point pull pulley push race rack rail rest ring rod roller saw screw
    set shaft shift slide slider spring stock stroke tail teeth tight time tooth turn tube wave way weight wheel work
"""
_FIRST = frozenset(_FIRST_WORDS.split())
_LAST = frozenset(_LAST_STEMS.split())


def parts_of_compound(word: str) -> Iterator[tuple[str, str]]:
    """Yields the two words of a compound that is also written as two: gearbox -> gear, box."""
    for position in range(3, len(word) - 2):
        if word[:position] in _FIRST and stem(word[position:]) in _LAST:
            yield word[:position], word[position:]
