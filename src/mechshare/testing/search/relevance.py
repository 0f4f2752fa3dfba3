"""Relevance test data for search indexes: mechanisms, queries, and a graded judgement of each match.

Grades: 3 exact match, 2 same kind, 1 related; mechanisms without a judgement are irrelevant. Grades reflect what a
person wants, not what an index can find: a mechanism described only in the other language may also have grade 2.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.search_documents import SearchDocument

_NAMES = {slug: (english, japanese) for slug, english, japanese in FIRST_CATEGORIES}

# key: (title, description, categories)
_MECHANISMS: Mapping[str, tuple[str, str, str]] = {
    "four-bar": (
        "Four-bar linkage",
        "The simplest closed chain: crank, coupler, rocker and frame joined by four revolute joints. The coupler "
        "point draws its curve as the crank turns.",
        "linkages four-bar",
    ),
    "crank-rocker": (
        "Crank-rocker with a Grashof check",
        "A Grashof four-bar whose shortest link turns fully while the output link rocks. Link lengths 40, 120, 80 "
        "and 100 mm.",
        "four-bar",
    ),
    "yonsetsu": (
        "四節リンク機構",
        "四本のリンクを回り対偶でつないだ基本の閉ループ機構です。クランクを回すとロッカーが揺動します。",
        "linkages four-bar",
    ),
    "teko-crank": (
        "てこクランク機構",
        "最短リンクが一回転し、出力側のてこが揺動する四節リンクです。グラスホフの条件を満たします。",
        "four-bar",
    ),
    "peaucellier": (
        "Peaucellier–Lipkin linkage",
        "Seven links that turn a circle into an exact straight line by inversion. Built from laser-cut acrylic.",
        "linkages straight-line",
    ),
    "watt": (
        "Watt's straight-line linkage",
        "An approximate straight line from two equal rockers and a short coupler, as found on beam engines and "
        "car axles.",
        "linkages straight-line",
    ),
    "chebyshev": (
        "チェビシェフの近似直線機構",
        "交差した四節リンクの連接棒の中点がほぼ直線を描きます。歩行ロボットの脚にも使われます。",
        "four-bar straight-line",
    ),
    "scott-russell": (
        "スコット・ラッセルの厳正直線運動機構",
        "スライダとクランクを組み合わせ、先端が厳密な直線を描く機構です。",
        "slider-crank straight-line",
    ),
    "slider-crank": (
        "Slider-crank mechanism",
        "Turns the rotation of a crank into the reciprocating motion of a piston through a connecting rod.",
        "slider-crank",
    ),
    "slider-ja": (
        "往復スライダクランク機構",
        "エンジンやコンプレッサのように、回転運動を往復直線運動へ変えます。",
        "slider-crank",
    ),
    "quick-return": (
        "Whitworth quick-return mechanism",
        "The cutting stroke is slow and the return is fast: used in shaping machines. Time ratio 2:1.",
        "slider-crank",
    ),
    "hayamodori": (
        "早戻り機構",
        "形削り盤のラムを動かす機構で、戻り行程が切削行程より速くなります。揺動スライダクランクを使います。",
        "slider-crank",
    ),
    "scotch-yoke": (
        "Scotch yoke",
        "A pin in a slotted yoke gives pure sinusoidal motion: harmonic displacement without a connecting rod.",
        "slider-crank",
    ),
    "geneva": (
        "Geneva drive with six slots",
        "Intermittent rotation: one turn of the driver indexes the wheel by 60 degrees and locks it in between.",
        "intermittent",
    ),
    "geneva-ja": (
        "ゼネバ機構（4 溝）",
        "原動車のピンが溝に入るたびに従動車を 90 度ずつ送る間欠運動機構です。映写機のフィルム送りで知られます。",
        "intermittent",
    ),
    "planetary": (
        "Planetary gear set",
        "Sun gear, three planet gears on a carrier and a fixed ring gear. Reduction ratio 4:1. Module 1, printed "
        "in PLA.",
        "gears planetary-gears",
    ),
    "yusei": (
        "遊星歯車機構",
        "太陽歯車のまわりを遊星歯車が公転しながら自転します。内歯車を固定すると減速機になります。",
        "gears planetary-gears",
    ),
    "fushigi": (
        "不思議遊星歯車減速機",
        "歯数のわずかに違う二つの内歯車で大きな減速比を得る構成です。",
        "planetary-gears",
    ),
    "cycloidal": (
        "Cycloidal drive, 15:1",
        "An eccentric input wobbles a lobed disc inside a ring of pins: a compact speed reducer with little "
        "backlash.",
        "gears",
    ),
    "strain-wave": (
        "Harmonic drive (strain wave gearing)",
        "A wave generator deforms a flexspline into a rigid circular spline. Zero backlash, ratio 50:1.",
        "gears",
    ),
    "worm": (
        "ウォームギヤ",
        "ウォームとウォームホイールによる直交軸の大減速。セルフロックするため逆転しません。",
        "gears",
    ),
    "rack": (
        "Rack and pinion",
        "A pinion drives a toothed rack: rotation into linear travel, as in car steering.",
        "gears",
    ),
    "bevel": (
        "かさ歯車による差動装置",
        "左右の車輪の回転差を吸収する自動車のデファレンシャルギヤです。",
        "gears",
    ),
    "noncircular": (
        "楕円歯車",
        "かみ合ったまま角速度比が周期的に変わる非円形歯車の組です。",
        "gears",
    ),
    "cam": (
        "Disc cam with flat-faced follower",
        "A plate cam lifts its follower with a dwell of 120 degrees. Cycloidal rise and return.",
        "cams",
    ),
    "cam-ja": (
        "板カムとローラ従動節",
        "カム曲線は変形台形。回転する板カムがローラを押し上げ、従動節が往復します。",
        "cams",
    ),
    "cylinder-cam": (
        "円筒カム",
        "円筒の溝に沿ってピンが動き、回転を軸方向の往復運動に変えるカム機構です。",
        "cams",
    ),
    "ratchet": (
        "Ratchet and pawl",
        "The pawl lets the wheel turn one way only. Heard in every socket wrench.",
        "ratchets intermittent",
    ),
    "ratchet-ja": (
        "ラチェットと爪",
        "つめ車と爪で逆転を防ぎ、一方向にだけ送ります。",
        "ratchets",
    ),
    "anchor": (
        "Recoil anchor escapement",
        "The anchor's pallets release one tooth of the escape wheel per swing of the pendulum, with visible recoil.",
        "escapements",
    ),
    "deadbeat": (
        "Graham deadbeat escapement",
        "Locking faces concentric with the anchor remove the recoil: the clock of choice for regulators.",
        "escapements",
    ),
    "tourbillon": (
        "トゥールビヨン",
        "脱進機とてん輪をかごごと回し、姿勢差を平均化する腕時計の機構です。",
        "escapements",
    ),
    "hinge": (
        "Compliant cross-axis flexural hinge",
        "Two crossed leaf springs replace a bearing: no friction, no play, no lubrication. One piece, 3D printed.",
        "compliant springs",
    ),
    "bistable": (
        "Bistable compliant switch",
        "Snaps between two stable positions; buckled flexures store the energy. Single part, PETG.",
        "compliant",
    ),
    "gripper": (
        "コンプライアントグリッパ",
        "弾性ヒンジだけで開閉する一体成形のつかみ具です。関節も組立てもありません。",
        "compliant",
    ),
    "bennett": (
        "Bennett linkage",
        "A spatial 4R linkage that moves although mobility formulas say it should not: twist angles and lengths "
        "in Bennett's ratio.",
        "spatial-linkages",
    ),
    "bricard": (
        "Bricard 6R loop",
        "An overconstrained spatial linkage of six revolute joints with threefold symmetry, turning inside out "
        "for ever.",
        "spatial-linkages deployable",
    ),
    "stewart": (
        "Stewart platform (6-UPS)",
        "Six legs of variable length move a platform in all six degrees of freedom: the classic hexapod.",
        "parallel-mechanisms",
    ),
    "delta": (
        "デルタロボット",
        "平行リンクを三組使い、手先の姿勢を保ったまま高速に動くパラレルメカニズムです。",
        "parallel-mechanisms parallel-linkages",
    ),
    "heikou": (
        "平行リンク機構",
        "平行四辺形のリンクにより、出力リンクが姿勢を変えずに動きます。電気スタンドやパンタグラフに使われます。",
        "parallel-linkages",
    ),
    "pantograph": (
        "Pantograph",
        "A parallelogram linkage that copies a drawing at twice its size.",
        "parallel-linkages",
    ),
    "tensegrity": (
        "テンセグリティの塔",
        "圧縮材どうしが触れず、張力材だけでつながった塔が揺れても元に戻ります。",
        "deployable springs",
    ),
    "tensegrity-en": (
        "Tensegrity prism that deploys",
        "Three struts and nine cables; shortening one cable folds the whole prism flat.",
        "deployable",
    ),
    "miura": (
        "ミウラ折りの展開パネル",
        "対角の二点を引くだけで全面が開く、宇宙用太陽電池パネルの折り方です。",
        "deployable",
    ),
    "scissor": (
        "Scissor lift",
        "Crossed links extend upwards when a screw pulls their feet together.",
        "deployable screws",
    ),
    "oldham": (
        "Oldham coupling",
        "A floating disc with two perpendicular tongues joins parallel shafts that do not line up.",
        "couplings",
    ),
    "universal": (
        "自在継手（カルダンジョイント）",
        "交差する二軸の間で回転を伝えます。一つだけでは角速度が変動します。",
        "couplings",
    ),
    "ball-screw": (
        "ボールねじ送り",
        "M12 のねじ軸とナットの間を鋼球が転がり、摩擦の少ない直線送りになります。",
        "screws",
    ),
    "toggle": (
        "Toggle clamp",
        "A four-bar held just past its dead point: a small hand force locks a large clamping force.",
        "four-bar",
    ),
    "jansen": (
        "Walking leg with eight bars",
        "An eight-bar leg linkage whose foot follows a flat step; pairs of legs walk along a beach in the wind.",
        "linkages",
    ),
    "belt": (
        "GT2 timing belt reduction 3:1",
        "Toothed belt and pulleys of 20 and 60 teeth with a spring-loaded idler.",
        "belts-chains",
    ),
    "chain-ja": (
        "ローラチェーン伝動",
        "スプロケットとチェーンで離れた二軸に滑りなく動力を伝えます。",
        "belts-chains",
    ),
}

QUERIES: Mapping[str, Mapping[str, int]] = {
    "four-bar linkage": {
        "four-bar": 3,
        "crank-rocker": 2,
        "yonsetsu": 2,
        "toggle": 1,
        "chebyshev": 1,
        "teko-crank": 2,
    },
    "four bar": {
        "four-bar": 3,
        "crank-rocker": 2,
        "yonsetsu": 2,
        "teko-crank": 2,
        "toggle": 1,
        "chebyshev": 1,
    },
    "grashof": {"crank-rocker": 3},
    "四節リンク": {
        "yonsetsu": 3,
        "teko-crank": 2,
        "chebyshev": 1,
        "four-bar": 2,
        "crank-rocker": 2,
        "toggle": 1,
    },
    "グラスホフ": {"teko-crank": 3},
    "クランク": {
        "teko-crank": 2,
        "slider-ja": 2,
        "slider-crank": 2,
        "yonsetsu": 1,
        "hayamodori": 1,
        "scott-russell": 1,
    },
    "Peaucellier": {"peaucellier": 3},
    "straight line": {"peaucellier": 2, "watt": 3, "chebyshev": 2, "scott-russell": 2},
    "exact straight line": {"peaucellier": 3},
    "近似直線": {"chebyshev": 3},
    "直線運動": {"scott-russell": 3, "chebyshev": 2, "peaucellier": 1, "watt": 1, "slider-ja": 1},
    "watt": {"watt": 3},
    "quick return": {"quick-return": 3},
    "早戻り": {"hayamodori": 3},
    "piston crank": {"slider-crank": 3},
    "スライダクランク": {"slider-ja": 3, "hayamodori": 1, "slider-crank": 2, "scott-russell": 1},
    "ＧＥＮＥＶＡ": {"geneva": 3},
    "ゼネバ": {"geneva-ja": 3},
    "間欠運動": {"geneva-ja": 3, "geneva": 2, "ratchet": 1},
    "intermittent rotation": {"geneva": 3},
    "planetary gear": {"planetary": 3, "yusei": 2, "fushigi": 2},
    "planet": {"planetary": 3, "yusei": 1, "fushigi": 1},
    "遊星歯車": {"yusei": 3, "fushigi": 2, "planetary": 2},
    "減速": {"fushigi": 3, "worm": 2, "yusei": 2},
    "歯車": {
        "yusei": 2,
        "noncircular": 2,
        "bevel": 2,
        "fushigi": 2,
        "planetary": 2,
        "worm": 1,
        "rack": 1,
        "cycloidal": 1,
    },
    "楕円": {"noncircular": 3},
    "backlash": {"strain-wave": 2, "cycloidal": 2},
    "harmonic drive": {"strain-wave": 3},
    "cam follower": {"cam": 3},
    "カム": {"cylinder-cam": 3, "cam-ja": 3, "cam": 2},
    "ｶﾑ 従動節": {"cam-ja": 3},
    "ratchets": {"ratchet": 3, "ratchet-ja": 2},
    "爪": {"ratchet-ja": 3},
    "anchor escapement": {"anchor": 3, "deadbeat": 2},
    "脱進機": {"tourbillon": 3, "anchor": 2, "deadbeat": 2},
    "compliant hinge": {"hinge": 3},
    "flexure": {"bistable": 3, "hinge": 2},
    "弾性ヒンジ": {"gripper": 3},
    "Bennett": {"bennett": 3},
    "6R": {"bricard": 3},
    "spatial linkage": {"bennett": 3, "bricard": 3},
    "hexapod": {"stewart": 3},
    "6-UPS": {"stewart": 3},
    "平行リンク": {"heikou": 3, "delta": 2, "pantograph": 2},
    "parallelogram": {"pantograph": 3, "heikou": 2, "delta": 1},
    "テンセグリティ": {"tensegrity": 3},
    "tensegrity deploying": {"tensegrity-en": 3},
    "展開": {"miura": 3, "tensegrity": 1, "tensegrity-en": 1, "scissor": 1, "bricard": 1},
    "自在継手": {"universal": 3},
    '"timing belt"': {"belt": 3},
    "GT2": {"belt": 3},
    "M12": {"ball-screw": 3},
    "3D printed": {"hinge": 3},
    "walking": {"jansen": 3},
    "差動": {"bevel": 3},
}


def documents() -> tuple[SearchDocument, ...]:
    """Returns the mechanisms, all published, each a day newer than the one before."""
    return tuple(
        SearchDocument(
            mechanism_id=MechanismId(key),
            version=1,
            title=title,
            description=description,
            category_ids=tuple(CategoryId(slug) for slug in slugs.split()),
            category_names=tuple(name for slug in slugs.split() for name in _NAMES[slug]),
            user_id=UserId("workshop"),
            author_name="Workshop",
            audience=PUBLIC_AUDIENCE,
            created_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day),
        )
        for day, (key, (title, description, slugs)) in enumerate(_MECHANISMS.items())
    )


def ndcg(found: Sequence[str], judged: Mapping[str, int], depth: int = 5) -> float:
    """Returns the normalised discounted cumulative gain of the first `depth` results (Jarvelin and Kekalainen 2002).

    1 is ideal. The gain of a grade g is 2^g - 1.
    """
    best = sorted(judged.values(), reverse=True)
    return _gain([judged.get(key, 0) for key in found[:depth]]) / _gain(best[:depth])


def missed(found: Sequence[str], judged: Mapping[str, int], depth: int = 3) -> list[str]:
    """Returns the mechanisms of grade 3 that are not among the first `depth` results."""
    return [key for key, grade in judged.items() if grade == 3 and key not in found[:depth]]


def _gain(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades))
