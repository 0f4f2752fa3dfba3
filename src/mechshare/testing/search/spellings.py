"""Pairs of spellings of the same words, by each of which the other must be found in every index."""

_JAPANESE = """
モーター モータ, スライダー スライダ, レバー レバ, ローラー ローラ, ベアリング ベヤリング, エレベーター エレベータ
コンベヤー コンベヤ, コンベヤ コンベア, コンベア コンベアー, アクチュエーター アクチュエータ, センサー センサ
ドライバー ドライバ, カウンター カウンタ, シリンダー シリンダ, フォロワー フォロワ, ロッカー ロッカ, カプラー カプラ
プーリー プーリ, エネルギー エネルギ, ロータリー ロータリ, バッテリー バッテリ, メーター メータ, ダンパー ダンパ
スペーサー スペーサ, ストッパー ストッパ, テーパー テーパ, ハンマー ハンマ, ピニオンギヤ ピニオンギア
ベベルギヤ ベベルギヤー, ダイヤフラム ダイアフラム, スライダー・クランク スライダクランク
スライダ・クランク スライダークランク, ローラーチェーン ローラチェーン, チェーン チェン, ゲージ ゲイジ
フェース フェイス, メーン メイン, レール レイル, ボール ボウル, インターフェース インターフェイス
ばね バネ, はぐるま ハグルマ, ねじ ネジ, てこ テコ, くさび クサビ, かみあい カミアイ, すべり スベリ, ころ コロ
つめ車 ツメ車, ラチェット らちぇっと, クランク くらんく, カム かむ, リンク りんく, ﾓｰﾀｰ モーター, ｽﾗｲﾀﾞ スライダ
ｸﾗﾝｸ機構 クランク機構, ＣＡＭ cam, ３リンク 三リンク, 齒車 歯車, 髙橋 高橋, 渡邊 渡辺, 渡邉 渡辺, 濵田 浜田
山﨑 山崎, 齋藤 斎藤, 廣瀨 広瀬, 國際 国際, 圖面 図面, 變速 変速, 轉動 転動, 傳動 伝動, 發條 発条, 螢光 蛍光
驅動 駆動, 壓力 圧力, 應力 応力, 彈性 弾性, 振動數 振動数, 關節 関節, 圓筒 円筒, 廻転 回転, 鎔接 溶接, 瓣 弁
ヴィブラート ビブラート, ヴァルブ バルブ, ヴェクトル ベクトル, レヴォルヴァ レボルバ, ディーゼル ジーゼル
ギヤ ギア, ダイヤル ダイアル, タイヤ タイア, ウォーム ウオーム, フィルム フイルム, クォーツ クオーツ
キャスター キヤスタ, シャフト シヤフト, ジョイント ジヨイント, チューブ テューブ, クィック クイック
取付 取り付け, 取付け 取り付け, 取付 取付け, 切替 切り替え, 切替え 切り替え, 巻取 巻き取り, 巻取り 巻き取り
組立 組み立て, 組立て 組み立て, 折畳 折り畳み, 引張り 引っ張り, 引張 引っ張り, 締付 締め付け, 噛合 噛み合い
噛合い 噛み合い, 繰返し 繰り返し, 押出 押し出し, 振分け 振り分け, 送出し 送り出し, 割出 割り出し, 割出し 割り出し
終わり 終り, 変わる 変る, 行なう 行う, 表わす 表す, 向かい合う 向い合う, 落とし 落し, 起こす 起す, 当たり 当り
四節 4節, 四節リンク ４節リンク, 三リンク 3リンク, 二自由度 2自由度, 六角 6角, 十二歯 12歯, 三次元 3次元
二重 2重, 五節 5節, 八節 Ⅷ節, 四型 Ⅳ型, 三型 III型, 二型 II型, 六脚 6脚, 一段 1段, 二十歯 20歯
スライダ クランク機構 スライダクランク機構, 遊星-歯車 遊星歯車, 平行・リンク 平行リンク, カム・フォロワ カムフォロワ
ピン‐スロット ピンスロット, ラック・アンド・ピニオン ラックアンドピニオン
ユニバーサル・ジョイント ユニバーサルジョイント
各々 各各, 様々 様様, 3ヶ所 三か所, 3カ所 3箇所, かなづち カナズチ, ちぢみ チジミ
"""

_ENGLISH = """
colour color, centre center, fibre fiber, metre meter, behaviour behavior, vapour vapor, grey gray, tyre tire
aluminium aluminum, plough plow, mould mold, disc disk, gauge gage, programme program, catalogue catalog
analyse analyze, optimise optimize, stabiliser stabilizer, synchronised synchronized, linearisation linearization
modelling modeling, travelling traveling, levelling leveling, defence defense, licence license, draught draft
manoeuvre maneuver, sulphur sulfur, artefact artifact, calibre caliber, lustre luster, kilometre kilometer
centring centering, neighbouring neighboring, harbour harbor, labour labor, armour armor, dialogue dialog
analogue analog, judgement judgment, storey story, kerb curb, practise practice, towards toward
four-bar fourbar, four-bar four bar, four-bar 4-bar, slider-crank slider crank, slider-crank slidercrank
gearbox gear box, gear-box gearbox, camshaft cam shaft, crankshaft crank shaft, ballscrew ball screw
flywheel fly wheel, leadscrew lead screw, driveshaft drive shaft, pushrod push rod, backlash back lash
six-link 6-link, three-jaw 3-jaw, two-stroke 2-stroke, type-IV type-4, gears gear, linkages linkage, axes axis
vertices vertex, radii radius, helices helix, loci locus, teeth tooth, pulleys pulley, bushes bush, bodies body
rotating rotate, rotates rotation, sliding slide, oscillating oscillates, meshing meshed, driven drive, spun spin
"""


def _pairs(table: str) -> list[tuple[str, str]]:
    """A space separates a pair of words. With more spaces, the spelling that is one word is first or last."""
    return [_split(pair.split()) for pair in table.replace("\n", ",").split(",") if pair.strip()]


def _split(words: list[str]) -> tuple[str, str]:
    one_word_first = len(words) == 2 or words[0].isascii()
    cut = 1 if one_word_first else len(words) - 1
    return " ".join(words[:cut]), " ".join(words[cut:])


PAIRS = tuple(_pairs(_JAPANESE) + _pairs(_ENGLISH))
