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
    "nm": Unit("length", 1e-9),
    "km": Unit("length", 1e3),
    "in": Unit("length", 0.0254),
    "m2": Unit("area", 1.0),
    "cm2": Unit("area", 1e-4),
    "mm2": Unit("area", 1e-6),
    "m3": Unit("volume", 1.0),
    "L": Unit("volume", 1e-3),
    "cm3": Unit("volume", 1e-6),
    "mm3": Unit("volume", 1e-9),
    "deg": Unit("angle", math.pi / 180),
    "rad": Unit("angle", 1.0),
    "kg": Unit("mass", 1.0),
    "g": Unit("mass", 1e-3),
    "t": Unit("mass", 1e3),
    "kg/m3": Unit("density", 1.0),
    "g/cm3": Unit("density", 1e3),
    "kgm2": Unit("moment of inertia", 1.0),
    "s": Unit("time", 1.0),
    "ms": Unit("time", 1e-3),
    "min": Unit("time", 60.0),
    "h": Unit("time", 3600.0),
    "Hz": Unit("frequency", 1.0),
    "kHz": Unit("frequency", 1e3),
    "1/s": Unit("frequency", 1.0),
    "1/min": Unit("frequency", 1 / 60),
    "rad/s": Unit("angular velocity", 1.0),
    "deg/s": Unit("angular velocity", math.pi / 180),
    "m/s": Unit("velocity", 1.0),
    "mm/s": Unit("velocity", 1e-3),
    "m/min": Unit("velocity", 1 / 60),
    "km/h": Unit("velocity", 1 / 3.6),
    "m/s2": Unit("acceleration", 1.0),
    "mN": Unit("force", 1e-3),
    "N": Unit("force", 1.0),
    "kN": Unit("force", 1e3),
    "Nm": Unit("torque", 1.0),
    "Nmm": Unit("torque", 1e-3),
    "N/m": Unit("stiffness", 1.0),
    "N/mm": Unit("stiffness", 1e3),
    "Pa": Unit("pressure", 1.0),
    "kPa": Unit("pressure", 1e3),
    "MPa": Unit("pressure", 1e6),
    "GPa": Unit("pressure", 1e9),
    "bar": Unit("pressure", 1e5),
    "Pas": Unit("viscosity", 1.0),
    "mPas": Unit("viscosity", 1e-3),
    "J": Unit("energy", 1.0),
    "kJ": Unit("energy", 1e3),
    "W": Unit("power", 1.0),
    "kW": Unit("power", 1e3),
    "K": Unit("temperature", 1.0),
    "degC": Unit("temperature", 1.0, 273.15),
    "W/mK": Unit("thermal conductivity", 1.0),
    "V": Unit("voltage", 1.0),
    "mV": Unit("voltage", 1e-3),
    "kV": Unit("voltage", 1e3),
    "A": Unit("current", 1.0),
    "mA": Unit("current", 1e-3),
    "ohm": Unit("resistance", 1.0),
    "F": Unit("capacitance", 1.0),
    "uF": Unit("capacitance", 1e-6),
    "H": Unit("inductance", 1.0),
    "T": Unit("magnetic flux density", 1.0),
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
    "N·mm": "Nmm",
    "Pa·s": "Pas",
    "mPa·s": "mPas",
    "W/(m·K)": "W/mK",
    "kg·m²": "kgm2",
    "m²": "m2",
    "cm²": "cm2",
    "mm²": "mm2",
    "m³": "m3",
    "cm³": "cm3",
    "mm³": "mm3",
    "kg/m³": "kg/m3",
    "g/cm³": "g/cm3",
    "m/s²": "m/s2",
    "l": "L",
    "µF": "uF",
    "rpm": "1/min",
    "r/min": "1/min",
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
