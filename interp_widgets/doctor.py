"""The front door's `doctor`. What it does stands in `checkup`, so that importing that leaves this name a function."""

from __future__ import annotations

from interp_widgets.checkup import doctor as doctor
