"""Unifies spellings of one English word: colour and color, metre and meter, four and 4."""

import re

_STEMS = {
    **{
        "grey": "gray",
        "tyre": "tire",
        "plough": "plow",
        "alumini": "alumin",
        "mould": "mold",
        "disk": "disc",
    },
    **{
        "gauge": "gage",
        "gauging": "gaging",
        "programme": "program",
        "catalogue": "catalog",
        "dialogue": "dialog",
    },
    **{
        "analogue": "analog",
        "licence": "license",
        "defence": "defense",
        "offence": "offense",
        "sulph": "sulf",
    },
    **{
        "pretence": "pretense",
        "aeroplane": "airplane",
        "draught": "draft",
        "storey": "story",
        "kerb": "curb",
    },
    **{
        "practise": "practice",
        "artefact": "artifact",
        "sceptic": "skeptic",
        "manoeuvre": "maneuver",
        "manoeuvr": "maneuver",
    },
    **{"judgement": "judgment", "acknowledgement": "acknowledgment", "ageing": "aging", "enquir": "inquir"},
    **{"fulfil": "fulfill", "skilful": "skillful", "instalment": "installment", "jeweller": "jeweler"},
    **{
        "cheque": "check",
        "vice": "vise",
        "wagg": "wag",
        "smoulder": "smolder",
        "axe": "ax",
        "haulier": "hauler",
    },
    **{"centring": "centering", "centred": "centered", "fibreglass": "fiberglass", "moulding": "molding"},
    **{"mum": "mom", "whilst": "while", "amongst": "among", "towards": "toward", "afterwards": "afterward"},
    **{"forwards": "forward", "backwards": "backward", "upwards": "upward", "downwards": "downward"},
}
_WORDS = frozenset(("axe", "vice", "disk", "mum", "whilst", "amongst", "fulfil"))
"""Stems of _STEMS that are replaced only as a whole word, or before an s."""
_STEM = re.compile("^(" + "|".join(sorted(_STEMS, key=len, reverse=True)) + ")(?=(.*))")
_OUR = re.compile(
    r"^((?:re|dis|un|multi|mis|bi)?(?:col|behavi|vap|harb|neighb|lab|fav|hon|hum|arm|od|flav|rig|vig|sav|ard|tum|end|cand|val))our"
)
_RE = re.compile(r"(cent|met|lit|fib|calib|theat|spect|lust|sab)re(?=s?$)")
_ISE = re.compile(r"(?<=[a-z]{3})(is|ys)(?=(?:e|es|ed|ing|er|ers|ation|ations)$)")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        start=1,
    )
}
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_IRREGULAR = {
    **{"wound": "wind", "spun": "spin", "drove": "drive", "driven": "drive", "slid": "slide", "bent": "bend"},
    **{
        "teeth": "tooth",
        "feet": "foot",
        "loci": "locus",
        "radii": "radius",
        "vertices": "vertex",
        "axes": "axis",
    },
    **{"indices": "index", "vortices": "vortex", "matrices": "matrix", "foci": "focus", "helices": "helix"},
    **{"leaves": "leaf", "halves": "half", "knives": "knife", "shelves": "shelf", "geese": "goose"},
    **{
        "swung": "swing",
        "hung": "hang",
        "rode": "ride",
        "thrown": "throw",
        "broken": "break",
        "worn": "wear",
    },
    **{"moduli": "modulus", "nuclei": "nucleus", "appendices": "appendix", "criteria": "criterion"},
    **{"phenomena": "phenomenon", "spectra": "spectrum", "equilibria": "equilibrium", "momenta": "momentum"},
    **{"pendula": "pendulum", "apparatuses": "apparatus", "lay": "lie", "held": "hold", "built": "build"},
    **{"made": "make", "ran": "run", "gone": "go", "given": "give", "taken": "take", "written": "write"},
    **{"learnt": "learn", "spelt": "spell", "burnt": "burn", "women": "woman", "men": "man", "mice": "mouse"},
}


def unified(word: str) -> str:
    """Returns the American spelling of a lower-case word, the singular or present of an irregular one, and the digits
    of a number."""
    special = _NUMBERS.get(word) or _ROMAN.get(word) or _IRREGULAR.get(word)
    if special:
        return special
    if found := _STEM.match(word):
        stem, rest = found.groups()
        if stem not in _WORDS or rest in ("", "s"):
            word = _STEMS[stem] + rest
    word = _OUR.sub(r"\1or", word)
    word = _RE.sub(lambda match: match[1] + "er", word)
    return _ISE.sub(lambda match: match[1][0] + "z", word)
