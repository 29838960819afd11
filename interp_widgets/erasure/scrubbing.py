"""`iw.erase` and `iw.erasure.scrub`: erasers inside the model, each fitted on what those before it give.

Erasing at one layer is not for good: later layers write the concept again, from what attention brings from other
tokens.  Scrubbing (Belrose et al. 2023, section 5) therefore goes through the model layer by layer: fit an eraser on
the states as they come out of the erased layers below, apply it, go on.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.erasure.eraser import LABELLED, Eraser, ErasureWarning
from interp_widgets.erasure.fitting import EraserFitter
from interp_widgets.erasure.labels import Label
from interp_widgets.erasure.sweep import ORDER, Sweep, labelled_tokens, strata_of
from interp_widgets.erasure.texts import LAST, LabelledTexts
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.interventions.erased import Erased, width_at
from interp_widgets.interventions.positions import check_positions
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_LETTERS = 4  # of a token, for estimates


def erase(
    lm: LanguageModel,
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None = None,
    *,
    layer: int | Sequence[int],
    method: str = "leace",
    site: str | Sequence[str] = "resid_post",
    spans: Sequence[tuple[int, int]] | str = LAST,
    positions: str | Sequence[int] = "all",
    strata: bool = False,
    name: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    **settings: Any,
) -> Erased:
    """Fit an eraser on what the model makes of labelled texts, and switch it on in `lm.ledger`.

    Parameters
    ----------
    texts, labels: texts and one label for each; or LabelledTexts alone (`iw.erasure.labelled_set`)
    layer: one or more, from 0, in any order; of several, each is fitted on what the erased ones before it give
    method: "leace", "inlp", "mean_difference" or "random"
    site: where in the layer, one of `models.architectures.LAYER_SITES` or several of them
    spans: of plain texts: which characters carry the label, see `LabelledTexts.of`; by default the last token
    strata: erase the label for itself in each form of the texts, at its first labelled token, at each of the seven
        after it and at the rest, see `Eraser.fit`: the rank is as many times larger
    positions: at which tokens it acts, see `interventions.positions`. The states it is fitted on are of labelled tokens
    name: in the ledger; by default what it does
    seed: of what a method draws
    settings: of the method, see `erasure.EraserFitter`
    batch_size, progress, cancel, confirm: as in `iw.attribute`; batch_size counts texts

    Returns
    -------
    Erased: in the ledger and on; `.undo()` takes it out, `.save(path)` keeps it with the model's fingerprint

    Raises
    ------
    ArgumentError (one class, unequal lengths, a method that needs labels), OutOfRangeError, what `lm.encode` raises,
    TooCostlyError, NonFiniteError, Cancelled. Warns with ErasureWarning: fewer states than dimensions.
    """
    return scrub(
        lm,
        texts,
        labels,
        layers=_several(layer),
        method=method,
        site=site,
        spans=spans,
        positions=positions,
        strata=strata,
        name=name,
        seed=seed,
        batch_size=batch_size,
        progress=progress,
        cancel=cancel,
        confirm=confirm,
        **settings,
    )


def scrub(
    lm: LanguageModel,
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None = None,
    *,
    layers: Sequence[int] | None = None,
    method: str = "leace",
    site: str | Sequence[str] = "resid_post",
    spans: Sequence[tuple[int, int]] | str = LAST,
    positions: str | Sequence[int] = "all",
    strata: bool = False,
    name: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    **settings: Any,
) -> Erased:
    """`erase` at every layer, or at `layers`: each fitted on what the erased ones before it give."""
    known = as_labelled(texts, labels, spans)
    chosen, sites = _places(lm, layers, site)
    if method in LABELLED:
        raise ArgumentError(f"method={method!r} needs the label of every token; inside a model use 'leace'")
    check_positions(positions)
    if "seed" not in settings:
        settings = {**settings, "seed": seed}
    EraserFitter(lm.architecture.width, method, **settings)  # an unknown one is refused before anything runs
    allow(_cost(lm, known, chosen, sites), confirm, "Take fewer texts (LabelledTexts.take), or fewer layers=[...]")
    tokens = labelled_tokens(lm, known)
    of = [known.labels[i] for i in tokens.text]
    kinds = strata_of(known, tokens) if strata else None
    steps = (chosen[-1] + 1) * len(known)
    found: list[tuple[str, int, Eraser]] = []
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others, under = run.snapshot.changes, run.snapshot.names
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count

        sweep = Sweep(lm, tokens, others, batch_size=batch_size, cancel=cancel, advance=advance)
        for layer in range(chosen[-1] + 1):
            run.check()
            bar.advance(layer * len(known), steps, f"layer {layer}")
            here = sites if layer in chosen else ()
            for kind in here:
                last = kind == "resid_post" and positions == "all"  # what comes out can be changed as it waits
                states = sweep.read(layer, kind, move=last)
                eraser = _fitted(states, of, method, settings, run.check, kinds, quiet=bool(found))
                found.append((kind, layer, eraser))
                one = eraser.at(layer, site=kind, positions=positions)
                sweep.changes = (*sweep.changes, one)
                if last and eraser.rank:
                    action = one.action(0)
                    sweep.change(lambda waiting, action=action: action(waiting, waiting, None))  # type: ignore[misc]
            if not (here and here[-1] == "resid_post" and positions == "all") and layer < chosen[-1]:
                sweep.move(layer)
        bar.finish("erasers")
    x = _whole(lm, found, known, positions, under, method)
    lm.ledger.add(x, name=name)
    return x


def _several(layer: int | Sequence[int]) -> list[int]:
    return [layer] if isinstance(layer, int | np.integer) else list(layer)


def as_labelled(
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None,
    spans: Sequence[tuple[int, int]] | str = LAST,
) -> LabelledTexts:
    """Raises ArgumentError."""
    if isinstance(texts, LabelledTexts):
        if labels is not None:
            raise ArgumentError("labels: these texts have labels of their own; leave the argument out")
        if len(texts.classes) < 2:
            raise ArgumentError(f"texts: one class only, {texts.classes}; there is nothing to tell apart")
        return texts
    if labels is None:
        raise ArgumentError("labels is missing; give one for each text, or LabelledTexts: iw.erasure.labelled_set(...)")
    return LabelledTexts.of(texts, labels, spans=spans)


def _places(
    lm: LanguageModel, layers: Sequence[int] | None, site: str | Sequence[str]
) -> tuple[list[int], tuple[str, ...]]:
    given = range(lm.architecture.n_layers) if layers is None else layers
    # A layer may come out of an array.
    plain = [int(layer) if isinstance(layer, np.integer) else layer for layer in given]
    chosen = sorted(lm.architecture.check_layer(layer) for layer in plain)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ArgumentError(f"layers={layers!r}: at least one layer, each once")
    kinds = (site,) if isinstance(site, str) else tuple(site)
    for kind in kinds:
        if kind not in ORDER:
            raise not_one_of("site", kind, ORDER)
    if not kinds or len(set(kinds)) < len(kinds):
        raise ArgumentError(f"site={site!r}: at least one, each once")
    return chosen, tuple(sorted(kinds, key=ORDER.index))


def _fitted(
    states: Any,
    of: list[Label],
    method: str,
    settings: dict[str, Any],
    check: Callable[[], object],
    strata: list[str] | None,
    *,
    quiet: bool,
) -> Eraser:
    fitter = EraserFitter(states.shape[1], method, **settings).update(states, of, strata)

    def look(done: int, total: int, text: str) -> None:
        check()  # INLP's rounds take seconds each

    with warnings.catch_warnings():
        if quiet:  # the same number of states at every layer: said once
            warnings.simplefilter("ignore", ErasureWarning)
        return fitter.eraser(look)


def _whole(
    lm: LanguageModel,
    found: list[tuple[str, int, Eraser]],
    texts: LabelledTexts,
    positions: str | Sequence[int],
    under: tuple[str, ...],
    method: str,
) -> Erased:
    first = found[0][2]
    return Erased(
        [(kind, layer) for kind, layer, _ in found],
        [one.mean for *_, one in found],
        [one.left for *_, one in found],
        [one.right for *_, one in found],
        positions=positions,
        source=f"{texts.name} ({method})",
        fingerprint=lm.fingerprint,
        fitted_on=texts.hashes,
        templates=texts.template_hashes,
        about={
            "concept": texts.name,
            "method": method,
            "classes": list(first.classes),
            "samples": first.samples,
            "texts": len(texts),
            "settings": first.settings,
            "notes": list(first.notes),
            "fitted_under": list(under),
        },
    )


def estimate_scrub(
    lm: LanguageModel,
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None = None,
    *,
    layers: Sequence[int] | None = None,
    site: str | Sequence[str] = "resid_post",
    spans: Sequence[tuple[int, int]] | str = LAST,
    **_: object,
) -> Cost:
    """What `scrub` would cost; runs nothing."""
    return _cost(lm, as_labelled(texts, labels, spans), *_places(lm, layers, site))


def estimate_erase(
    lm: LanguageModel,
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None = None,
    *,
    layer: int | Sequence[int],
    **settings: Any,
) -> Cost:
    """What `erase` would cost; runs nothing."""
    return estimate_scrub(lm, texts, labels, layers=_several(layer), **settings)


def _cost(lm: LanguageModel, texts: LabelledTexts, layers: Sequence[int], sites: Sequence[str]) -> Cost:
    a = lm.architecture
    tokens = sum(map(len, texts.texts)) / _LETTERS
    again = len(layers) * (len(sites) if sites != ("resid_post",) else 0)
    passes = (layers[-1] + 1 + again) / a.n_layers
    widest = max(width_at(a, site) for site in sites)
    # Fitting: the products of the covariance, in double precision, beside two products with each weight for a token.
    weights = sum(p.numel() for p in lm.model.parameters())
    fits = len(layers) * sum(width_at(a, site) ** 2 for site in sites) * 4 / (2 * weights)
    bytes_ = int(tokens * (a.width * 8 + widest * 12))
    return Cost(len(texts), tokens * (passes + fits) * lm.seconds_per_token, bytes_)
