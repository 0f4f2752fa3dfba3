"""Realistic titles and descriptions of mechanisms from a small grammar, in English and Japanese."""

from random import Random

MAX_DESCRIPTION_LENGTH = 800
MIN_DESCRIPTION_LENGTH = 20
_Pair = tuple[str, str]
"""English, Japanese."""

KINDS: dict[str, tuple[_Pair, ...]] = {
    "linkages": (
        ("six-bar linkage", "六節リンク機構"),
        ("Klann linkage", "クランリンク機構"),
        ("toggle", "トグル機構"),
    ),
    "four-bar": (("four-bar linkage", "四節リンク機構"), ("crank-rocker", "クランクロッカ機構")),
    "slider-crank": (("slider-crank", "スライダクランク機構"), ("quick-return", "早戻り機構")),
    "straight-line": (("Watt linkage", "ワットの直線運動機構"), ("Peaucellier cell", "ポースリエ機構")),
    "parallel-linkages": (("parallelogram linkage", "平行リンク機構"), ("pantograph", "パンタグラフ")),
    "spatial-linkages": (("Bennett linkage", "ベネット機構"), ("Bricard linkage", "ブリカール機構")),
    "parallel-mechanisms": (("delta mechanism", "デルタ機構"), ("3-RPR platform", "3-RPR パラレル機構")),
    "gears": (("spur gear pair", "平歯車対"), ("bevel gears", "かさ歯車"), ("worm drive", "ウォームギヤ")),
    "planetary-gears": (("planetary gear", "遊星歯車機構"), ("differential", "差動歯車装置")),
    "cams": (("plate cam", "板カム"), ("cylindrical cam", "円筒カム"), ("conjugate cam", "共役カム")),
    "intermittent": (("Geneva drive", "ゼネバ機構"), ("star wheel", "スターホイール")),
    "ratchets": (("ratchet", "ラチェット機構"), ("silent ratchet", "無音ラチェット")),
    "escapements": (("anchor escapement", "アンクル脱進機"), ("verge escapement", "バージ脱進機")),
    "belts-chains": (
        ("toothed belt drive", "歯付きベルト伝動"),
        ("roller chain drive", "ローラーチェーン伝動"),
    ),
    "screws": (("lead screw", "送りねじ"), ("differential screw", "差動ねじ"), ("ball screw", "ボールねじ")),
    "couplings": (("universal joint", "自在継手"), ("Oldham coupling", "オルダム継手")),
    "springs": (("gravity balancer", "重力補償ばね機構"), ("bistable spring", "双安定ばね機構")),
    "compliant": (("compliant gripper", "コンプライアントグリッパ"), ("flexure hinge", "弾性ヒンジ")),
    "deployable": (("scissor mast", "シザーズ伸展マスト"), ("origami panel", "折紙展開パネル")),
}
"""Kinds of mechanisms, by their first category."""
MODIFIERS: tuple[_Pair, ...] = (
    ("small", "小型の"),
    ("high-speed", "高速"),
    ("backlash-free", "バックラッシのない"),
    ("adjustable", "調整できる"),
    ("double", "二重"),
    ("inverted", "反転させた"),
    ("offset", "オフセット付き"),
    ("balanced", "釣り合わせた"),
    ("3D-printed", "3D プリントした"),
    ("laser-cut", "レーザー加工の"),
    ("classroom", "教材用の"),
    ("miniature", "ミニチュアの"),
)
USES: tuple[_Pair, ...] = (
    ("a walking robot", "歩行ロボット"),
    ("a wind-up toy", "ぜんまい玩具"),
    ("a packaging machine", "包装機"),
    ("a robot hand", "ロボットハンド"),
    ("a window opener", "窓の開閉"),
    ("a film projector", "映写機"),
    ("a sewing machine", "ミシン"),
    ("a solar array", "太陽電池パドル"),
    ("a lathe's feed", "旋盤の送り"),
    ("a folding bicycle", "折りたたみ自転車"),
    ("a clock", "時計"),
    ("a surgical tool", "手術器具"),
)
MATERIALS: tuple[_Pair, ...] = (
    ("brass", "真鍮"),
    ("PLA", "PLA 樹脂"),
    ("acrylic", "アクリル板"),
    ("spring steel", "ばね鋼"),
    ("aluminium", "アルミニウム"),
    ("birch plywood", "シナ合板"),
    ("polypropylene", "ポリプロピレン"),
    ("stainless steel", "ステンレス鋼"),
)
PARTS: tuple[_Pair, ...] = (
    ("input crank", "入力クランク"),
    ("coupler", "連接棒"),
    ("follower", "従動節"),
    ("frame", "静止節"),
    ("output shaft", "出力軸"),
    ("pawl", "爪"),
    ("rocker", "揺動節"),
    ("carrier", "遊星キャリア"),
)
MOTIONS: tuple[_Pair, ...] = (
    ("turns steadily", "一定の速さで回る"),
    ("swings back and forth", "往復して揺れる"),
    ("rests for half of each turn", "1 回転の半分のあいだ停留する"),
    ("follows an almost straight line", "ほぼ直線をたどる"),
    ("snaps from one state to the other", "一方の状態から他方へ飛び移る"),
    ("slides without play", "がたなく滑る"),
    ("unfolds in one motion", "一動作で展開する"),
    ("turns the opposite way", "逆向きに回る"),
)


class Writer:
    """Writes texts that depend only on the state of `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def title(self, kind: _Pair) -> str:
        """Returns a title about `kind`, in either language or in both: 4-100 characters."""
        random = self._random
        english, japanese = kind
        modifier, use = _one(random, MODIFIERS), _one(random, USES)
        shape = int(random.random() * 6)
        if shape == 0:
            return f"{modifier[1]}{japanese}"
        if shape == 1:
            return f"{japanese} ({english})"
        if shape == 2:
            return f"{use[1]}の{modifier[1]}{japanese}"
        if shape == 3:
            return f"{modifier[0].capitalize()} {english} for {use[0]}"
        if shape == 4:
            return f"{japanese}：{_one(random, MATERIALS)[1]}製、{self._length()} mm"
        ratio = f"{1 + int(random.random() * 60)}:{1 + int(random.random() * 9)}"
        return f"{english[0].upper()}{english[1:]}, ratio {ratio}"

    def description(self, kind: _Pair) -> str:
        """Returns a description of `kind`, in one language, 20-800 characters, usually short."""
        random = self._random
        wanted = MIN_DESCRIPTION_LENGTH * (MAX_DESCRIPTION_LENGTH / MIN_DESCRIPTION_LENGTH) ** random.random()
        sentence = self._japanese if random.random() < 0.6 else self._english
        text = sentence(kind)
        while len(text) < wanted and len(more := sentence(kind)) + len(text) <= MAX_DESCRIPTION_LENGTH:
            text += more
        return text.rstrip()

    def _english(self, kind: _Pair) -> str:
        random = self._random
        part, motion = _one(random, PARTS)[0], _one(random, MOTIONS)[0]
        shape = int(random.random() * 4)
        if shape == 0:
            return f"The {part} of this {kind[0]} {motion}. "
        if shape == 1:
            return f"Made of {_one(random, MATERIALS)[0]}, {self._length()} mm long; the {part} {motion}. "
        if shape == 2:
            return f"Meant for {_one(random, USES)[0]}, where the {part} {motion} at {self._speed()} rpm. "
        return f"While the {_one(random, PARTS)[0]} {motion}, the {part} moves by {self._length()} mm. "

    def _japanese(self, kind: _Pair) -> str:
        random = self._random
        part, motion = _one(random, PARTS)[1], _one(random, MOTIONS)[1]
        shape = int(random.random() * 4)
        if shape == 0:
            return f"この{kind[1]}では、{part}が{motion}。"
        if shape == 1:
            return f"{_one(random, MATERIALS)[1]}で作り、長さは {self._length()} mm。{part}が{motion}。"
        if shape == 2:
            return f"{_one(random, USES)[1]}に使い、毎分 {self._speed()} 回転で{part}が{motion}。"
        return f"{_one(random, PARTS)[1]}が {self._length()} mm 動くあいだ、{part}が{motion}。"

    def _length(self) -> int:
        return 5 + int(self._random.random() * 395)

    def _speed(self) -> int:
        return 10 * (1 + int(self._random.random() * 300))


def _one(random: Random, choices: tuple[_Pair, ...]) -> _Pair:
    # Several times as fast as random.choice; a million texts take about ten million calls.
    return choices[int(random.random() * len(choices))]


def drawing_number(number: int) -> str:
    """Returns a text that identifies one mechanism among any number."""
    return f"No. {number:07}"


def questions() -> list[str]:
    """Returns plausible searches: two or three words about a mechanism, each search once, shuffled."""
    queries = [
        f"{word[language]} {kind[language]}"
        for kinds in KINDS.values()
        for kind in kinds
        for word in (*MODIFIERS, *USES, *MATERIALS, *PARTS)
        for language in (0, 1)
    ]
    Random("questions").shuffle(queries)
    return list(dict.fromkeys(queries))


def beginnings() -> list[str]:
    """Returns the prefixes that somebody types who looks for a kind of mechanism, each once, shuffled.

    Among 1,000 mechanisms, nearly all find five titles with a word that begins so.
    """
    kinds = [name for kinds in KINDS.values() for kind in kinds for name in kind]
    typed = list(dict.fromkeys(name[:length] for name in kinds for length in range(1, len(name) + 1)))
    Random("beginnings").shuffle(typed)
    return typed
