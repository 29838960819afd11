"""What a model says after some prompts, beside what it says with a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel


def answers_table(
    lm: LanguageModel, prompts: Sequence[str], changes: Mapping[str, Sequence[Intervention]], *, k: int = 2
) -> str:
    """The best next tokens after some prompts, a line for each change."""
    lines = []
    for prompt in prompts:
        lines.append(prompt)
        for name, active in changes.items():
            with lm.using(*active):
                best = ", ".join(f"{token.strip() or 'space'} {p:.2f}" for token, p in lm.next_token(prompt, k=k))
            lines.append(f"    {name:10} {best}")
    return "\n".join(lines)
