"""What requests and clips cost, as ratios to references."""

from mechshare.adapters.single_thread import use_one_thread

use_one_thread()  # as workers compute; here, because it must precede the first import of NumPy
