"""The types of the arrays with which motion is computed."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
