"""An edit as a live widget: on, off, undone, made again otherwise. What it changes is shown; the ledger is followed.

1. Switching acts at once, and the answer says so; comparing and editing work in the background, and the last result
   stays in sight until there is a new one.
2. An edit that is made again with another method is found without the one that is shown, which is switched off for it
   and stays in the ledger, off. After Cancel or an error it is as it was.
3. Every change of the ledger, also from Python, reaches the card.
"""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from interp_widgets.editing.diff.result import EditDiff as Diff
from interp_widgets.errors import ArgumentError, Cancelled, not_one_of
from interp_widgets.widgets.acting import others_now, state_of
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.display import EDIT
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

if TYPE_CHECKING:
    from interp_widgets.editing.edit import Edit

_log = logging.getLogger(__name__)
EXPORTS = {"lora": "LoRA adapter", "suite": "Regression suite"}
_QUICK = ("toggle", "undo", "apply")
_WORK = ("show", "again", "prompt", "export")


class EditDiff(CardWidget):
    """What an edit changes, live.

    Parameters
    ----------
    result: what `iw.edit_diff` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; changes when another edit is shown or made (`observe` it), and can be set
    edit: the edit that is shown, as long as it is in memory
    selection: indices of the selected tokens (of all continuations, before and after), sorted
    """

    kind = EDIT
    follows_ledger = True
    bundle = "edit"

    result = traitlets.Instance(Diff)

    def __init__(self, result: Diff, *, key: str | None = None) -> None:
        if not isinstance(result, Diff):
            raise ArgumentError(f"result={result!r} is not what iw.edit_diff returns")
        self._held: dict[str, Edit] = {}  # edits that were shown, so that they can be applied again
        super().__init__(result, key=key)

    @property
    def edit(self) -> Edit | None:
        """The edit that is shown; None if it is no longer in memory."""
        return self._edit_of(self.result)

    # The switch

    def toggle(self, on: bool | None = None, *, name: str | None = None) -> bool:
        """Switch an edit on or off, or to the other state: the one that is shown, or one of the ledger by its name;
        returns the new state. Raises ArgumentError if it is in no ledger."""
        edit = self._known() if name is None else self._named(name)
        ledger = edit.ledger
        if ledger is None or ledger.name_of(edit) is None:
            raise ArgumentError("this edit is undone: it is in no ledger. Apply it again first.")
        return ledger.toggle(edit, on)

    def undo(self) -> None:
        """Take the edit that is shown out of its ledger. Raises ArgumentError if it is in none."""
        self._known().undo()

    def apply(self) -> None:
        """Put the edit that is shown into the ledger again, on. Raises ArgumentError if it is there."""
        lm, edit = self._model_of(self.result), self._known()
        wish = self.result.edit
        lm.ledger.add(edit, name=None if wish in lm.ledger else wish)

    # Work

    def show(self, name: str) -> None:
        """Compare another edit of the ledger, or this one again, in the background. Raises ArgumentError."""
        edit = self._known() if name == self.result.edit and self.edit is not None else self._named(name)
        self._compare(edit, {"show": name})

    def again(self, *, method: str | None = None, layer: int | None = None) -> None:
        """Edit the same facts by another method or at another layer, in the background; the edit that is shown is
        switched off for it. Raises ArgumentError for an unknown method."""
        from interp_widgets.editing.registry import editor_of

        old = self._known()
        chosen = method or old.method
        editor_of(chosen)
        asked = {"again": {"method": chosen, "layer": layer}}
        self._worker.start(self._edit_again(self.result, old, chosen, layer), self._succeed, asked)

    def ask(self, prompt: str) -> None:
        """Continue another prompt without and with the edit, in the background. Raises ArgumentError if it is empty."""
        if not isinstance(prompt, str) or not prompt:
            raise ArgumentError(f"prompt={prompt!r}: a text of at least one character")
        shown, edit = self.result, self._known()

        def work(cancel: threading.Event, progress: Progress) -> Diff:
            from interp_widgets.editing.diff.api import with_prompts

            return with_prompts(self._model_of(shown), edit, shown, [prompt], progress=progress, cancel=cancel)

        self._worker.start(work, self._succeed, {"prompt": prompt})

    def export(self, what: str = "lora") -> None:
        """Write the edit that is shown into the kernel's folder, in the background; the card says where.

        what: "lora", an adapter (`iw.export_lora`); or "suite", a regression suite of what the edit reaches now
        (`editing.evaluating.suite.EditSuite`), and the edit beside it where a ledger holds it

        Raises ArgumentError for what cannot be written.
        """
        if what not in EXPORTS:
            raise not_one_of("what", what, EXPORTS)
        shown, edit = self.result, self._known()
        path = Path.cwd() / f"{_slug(shown.edit)}-{what}"

        def work(cancel: threading.Event, progress: Progress) -> str:
            lm = self._model_of(shown)
            if what == "suite":
                return _write_suite(lm, edit, path.with_suffix(".json"), progress, cancel)
            from interp_widgets.interventions.export_lora import export_lora

            progress(0, 0, "writing the adapter")
            return f"{EXPORTS[what]} written to {export_lora(edit, path, lm=lm)}"

        self._worker.start(work, self._say, {"export": what})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if len(args) != 1 or next(iter(args)) not in (*_QUICK, *_WORK):
            raise ArgumentError(
                f"asked {', '.join(sorted(args)) or 'nothing'}; this card answers one of {', '.join((*_QUICK, *_WORK))}"
            )
        ((kind, value),) = args.items()
        if kind == "toggle":
            self.toggle(bool(value["on"]), name=value.get("name"))
        elif kind in _QUICK:
            getattr(self, kind)()
        elif kind == "again":
            self.again(**value)
        else:
            {"show": self.show, "prompt": self.ask, "export": self.export}[kind](value)
        return {"done": True} if kind in _QUICK else {"accepted": True}

    def _compare(self, edit: Edit, asked: dict[str, Any]) -> None:
        shown = self.result
        own = _own_prompts(shown)

        def work(cancel: threading.Event, progress: Progress) -> Diff:
            from interp_widgets.editing.diff.api import edit_diff

            lm = self._model_of(shown)
            return edit_diff(lm, edit, prompts=own, progress=progress, cancel=cancel, confirm=True)

        self._worker.start(work, self._succeed, asked)

    def _edit_again(self, shown: Diff, old: Edit, method: str, layer: int | None) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> Diff:
            lm = self._model_of(shown)
            return edited(
                lm, old.facts, method, layer, instead=old, prompts=_own_prompts(shown), progress=progress, cancel=cancel
            )

        return work

    def _say(self, text: str) -> None:
        self._show_status({"state": "said", "text": text}, False)

    # What the controls offer

    def _options(self, result: Diff) -> dict[str, Any]:
        lm = result.model()
        if lm is None:
            return {
                "live": False,
                "state": "gone",
                "note": "",
                "history": [],
                "methods": [],
                "layers": 0,
                "exports": [],
            }
        from interp_widgets.editing.registry import editing_methods
        from interp_widgets.interventions.weight_change import WeightChange

        edit = self._edit_of(result)
        plain = edit is not None and all(isinstance(piece, WeightChange) for piece in edit.pieces)
        offered = [] if edit is None else [key for key in EXPORTS if plain or key != "lora"]
        return {
            "live": True,
            "state": state_of(edit, out="undone"),
            "note": others_now(lm, edit, result.provenance.interventions, "compared"),
            "history": _history(lm, edit),
            "methods": [{"name": one["name"], "label": one["label"]} for one in editing_methods()],
            "layers": lm.architecture.n_layers,
            "exports": [{"key": key, "label": EXPORTS[key]} for key in offered],
        }

    def _edit_of(self, result: Diff) -> Edit | None:
        from interp_widgets.editing.edit import Edit
        from interp_widgets.interventions.digest import find

        found = find(Edit, result.digest, result.provenance.fingerprint) or self._held.get(result.digest)
        if found is not None and not self.__dict__.get("_closing"):
            self._held[result.digest] = found
        return found

    def _known(self) -> Edit:
        edit = self.edit
        if edit is None:
            raise ArgumentError(
                f"the edit {self.result.edit!r} is no longer in memory; make it again with iw.edit, or load its file"
            )
        return edit

    def _named(self, name: str) -> Edit:
        from interp_widgets.editing.edit import Edit

        lm = self._model_of(self.result)
        edits = {key: value for key, value in lm.ledger.items() if isinstance(value, Edit)}
        if name not in edits:
            raise not_one_of("name", name, edits)
        return edits[name]

    def _free(self) -> None:
        self._held = {}
        super()._free()


def edited(
    lm: Any,
    facts: Any,
    method: str,
    layer: int | None,
    *,
    instead: Edit | None = None,
    prompts: Any = (),
    progress: Progress,
    cancel: threading.Event,
) -> Diff:
    """An edit, active in the ledger, and what it changes; after an error or Cancel there is no edit.

    instead: an edit that is switched off for it, and on again after an error
    """
    from interp_widgets.editing.api import edit
    from interp_widgets.editing.diff.api import edit_diff

    def told(done: int, total: int, text: str) -> None:
        # After the last fact the collapse alarm reads the whole model, and says nothing while it does.
        if total and done >= total:
            progress(0, 0, "measuring what became of the model as a whole")
        else:
            progress(done, total, text)

    was = instead is not None and instead.enabled
    if was:
        lm.ledger.toggle(instead, False)
    made: Edit | None = None
    try:
        progress(0, 0, f"editing by {method}")
        made = edit(lm, facts, method=method, layer=layer, progress=told, cancel=cancel)
        found = edit_diff(lm, made, prompts=prompts, progress=progress, cancel=cancel, confirm=True)
        if cancel.is_set():
            raise Cancelled("cancelled; the edit was taken back")
    except BaseException:
        if made is not None and lm.ledger.name_of(made) is not None:
            made.undo()
        if was and lm.ledger.name_of(instead) is not None:
            lm.ledger.toggle(instead, True)
        raise
    return found


def _write_suite(lm: Any, edit: Edit, path: Path, progress: Progress, cancel: threading.Event) -> str:
    """Says where it lies, and how it is run."""
    from interp_widgets.editing.evaluating.suite import EditSuite

    progress(0, 0, "asking what the edit reaches, and what must be kept")
    suite = EditSuite.from_edit(lm, edit, cancel=cancel).save(path)
    command = f"python -m interp_widgets.editing verify {suite.name}"
    if edit.ledger is not None and edit.ledger.name_of(edit) is not None:
        edit.save(path.with_suffix(".safetensors"))
        command += f" --edit {path.with_suffix('.safetensors').name}"
    return f"Regression suite written to {suite}; run it with: {command}"


def _history(lm: Any, shown: Edit | None) -> list[dict[str, Any]]:
    """The edits of the ledger, oldest first."""
    from interp_widgets.editing.edit import Edit
    from interp_widgets.results.numbers import count
    from interp_widgets.results.text import named, visible

    found = []
    for name, x in lm.ledger.items():
        if isinstance(x, Edit):
            first = x.facts[0]
            told = (
                f"{visible(first.subject)}: {named(first.target)}" if len(x.facts) == 1 else count(len(x.facts), "fact")
            )
            found.append({"name": name, "method": x.method, "facts": told, "on": x.enabled, "shown": x is shown})
    return found


def _own_prompts(shown: Diff) -> list[Any]:
    """Those that the caller gave."""
    return [sample.prompt for sample in shown.samples if sample.record is None]


def _slug(name: str) -> str:
    return re.sub(r"[^\w]+", "-", name, flags=re.ASCII).strip("-").lower() or "edit"
