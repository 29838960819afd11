"""Libraries to compare with that pin old versions of others: `make peers` installs them without what they ask for."""

from __future__ import annotations

from typing import Any

import numpy as np


def repeng() -> Any:
    """repeng 0.4. Raises ImportError where it is not installed."""
    # Its annotations name numpy.float_, which numpy 2 took away; nothing of it is called.
    shim: Any = np
    shim.float_ = np.float64
    try:
        import repeng
    finally:
        del shim.float_
    return repeng
