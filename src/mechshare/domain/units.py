"""The units in which quantities are given: a closed table, so that no expression is ever evaluated."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mechshare.domain.errors import InvalidField


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` and `offset` convert to the coherent unit of `quantity`: value * factor + offset."""

    quantity: str
    factor: float
    offset: float = 0.0


UNITS: Mapping[str, Unit] = {
    "": Unit("ratio", 1.0),
    "%": Unit("ratio", 1e-2),
    "m": Unit("length", 1.0),
    "cm": Unit("length", 1e-2),
    "mm": Unit("length", 1e-3),
    "um": Unit("length", 1e-6),
    "in": Unit("length", 0.0254),
    "deg": Unit("angle", math.pi / 180),
    "rad": Unit("angle", 1.0),
    "kg": Unit("mass", 1.0),
    "g": Unit("mass", 1e-3),
    "s": Unit("time", 1.0),
    "ms": Unit("time", 1e-3),
    "min": Unit("time", 60.0),
    "h": Unit("time", 3600.0),
    "Hz": Unit("frequency", 1.0),
    "kHz": Unit("frequency", 1e3),
    "1/s": Unit("frequency", 1.0),
    "1/min": Unit("frequency", 1 / 60),
    "rad/s": Unit("angular velocity", 1.0),
    "m/s": Unit("velocity", 1.0),
    "mm/s": Unit("velocity", 1e-3),
    "m/s2": Unit("acceleration", 1.0),
    "N": Unit("force", 1.0),
    "kN": Unit("force", 1e3),
    "Nm": Unit("torque", 1.0),
    "Pa": Unit("pressure", 1.0),
    "kPa": Unit("pressure", 1e3),
    "MPa": Unit("pressure", 1e6),
    "GPa": Unit("pressure", 1e9),
    "bar": Unit("pressure", 1e5),
    "J": Unit("energy", 1.0),
    "W": Unit("power", 1.0),
    "kW": Unit("power", 1e3),
    "K": Unit("temperature", 1.0),
    "degC": Unit("temperature", 1.0, 273.15),
    "V": Unit("voltage", 1.0),
    "A": Unit("current", 1.0),
    "ohm": Unit("resistance", 1.0),
}
"""By symbol, in ASCII as on every keyboard."""
_SPELLINGS = {
    "µm": "um",
    "μm": "um",
    "°": "deg",
    "℃": "degC",
    "°C": "degC",
    "Ω": "ohm",
    "N·m": "Nm",
    "rpm": "1/min",
}
"""Other ways in which people write units, and the symbol of each."""


def clean_unit(field: str, symbol: str) -> str:
    """Returns the symbol of a unit that is written in a usual way. Raises InvalidField."""
    cleaned = _SPELLINGS.get(symbol.strip(), symbol.strip())
    if cleaned not in UNITS:
        known = ", ".join(filter(None, UNITS))
        raise InvalidField(
            field,
            en=f"has an unknown unit. Use one of: {known}.",
            ja=f"単位が不明です。次のいずれかを使用してください: {known}",
        )
    return cleaned


def coherent(value: float, symbol: str) -> float:
    """Returns `value` in the coherent unit of its quantity (1 mm is 0.001)."""
    unit = UNITS[symbol]
    return value * unit.factor + unit.offset
