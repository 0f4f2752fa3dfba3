"""Programs for those who develop mechshare."""

from mechshare.adapters.single_thread import use_one_thread

use_one_thread()  # so that figures are the same to the last digit; must precede the first import of NumPy
