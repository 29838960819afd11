"""Results made of activations that something else saved: nnsight, a model that is served remotely, a file.

The arrays are numpy's or torch's; every shape is checked.  The results are the same classes that `iw.logit_lens`,
`iw.heads`, `iw.causal_trace` and `iw.patch` return, so they show, save and export themselves in the same way; since no
model of theirs is in memory, their views ask for nothing.  docs/nnsight.md shows how the arrays are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.heads_result import HeadsResult
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.patch_verdict import patch_verdict
from interp_widgets.locate.saved_arrays import (
    Array,
    array,
    numbers,
    provenance_of_saved,
    text_of_ids,
    text_of_tokens,
)
from interp_widgets.locate.saved_lens import lens_from_logits, lens_from_states
from interp_widgets.locate.trace_result import KINDS, TraceResult
from interp_widgets.locate.trace_verdict import trace_verdict
from interp_widgets.models.question import UNITS
from interp_widgets.results.provenance import Verdict

PATCH_SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out")
__all__ = ["heads_from_weights", "lens_from_logits", "lens_from_states", "patch_from_values", "trace_from_values"]

_SUM = 0.02  # by which the attention of a token may miss 1: bfloat16 has eight bits


def heads_from_weights(
    weights: Array,
    *,
    model: str,
    tokenizer: Any = None,
    ids: Array = None,
    tokens: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    ablated: Array | None = None,
    value: float | None = None,
    target: str = "",
    metric: str = "log-probability",
    ablation: str = "zero",
    key_value_heads: int | None = None,
    notes: Sequence[str] = (),
) -> HeadsResult:
    """Attention patterns of a model that runs elsewhere, and if they were measured the answers without each head.

    Parameters
    ----------
    weights: (layers, heads, tokens, tokens), query before key; each row adds up to 1, later tokens have none
    tokenizer, ids: the prompt's tokens; or `tokens`, their texts
    layers, heads: the numbers of the two first dimensions; by default from 0
    ablated: (layers, heads), the number with each head off; value: that number in the unchanged run
    target, metric, ablation: what the number is, and what stood in for a head, as in `iw.heads`

    Raises ArgumentError, NonFiniteError.
    """
    text = text_of_ids(tokenizer, ids) if tokens is None else text_of_tokens(tokens)
    n = len(text.tokens)
    found = array("weights", weights, (None, None, n, n), "(layers, heads, tokens, tokens)")
    if found.min() < 0 or np.abs(found.sum(-1) - 1).max() > _SUM:
        raise ArgumentError("weights: the attention of each token must be at least 0 and add up to 1")
    if np.triu(found, 1).any():
        raise ArgumentError("weights: a token attends to a later one; the order is (layers, heads, query, key)")
    at_layers, at_heads = numbers("layers", layers, found.shape[0]), numbers("heads", heads, found.shape[1])
    shape = (len(at_layers), len(at_heads))
    measured = ablated is not None
    if measured and (value is None or metric not in UNITS):
        raise ArgumentError(f"value={value!r}, metric={metric!r}: ablated needs the number without any head off, and"
                            f" its metric, one of {', '.join(UNITS)}")  # fmt: skip
    answers = np.full(shape, np.nan) if ablated is None else array("ablated", ablated, shape, "(layers, heads)")
    sentence = (
        "The effects were measured elsewhere: neither another stand-in nor heads switched off together were tried."
        if measured
        else "No head was switched off: a pattern says where a head looks, not what it does."
    )
    return HeadsResult(
        **text.fields(),
        layers=at_layers,
        heads=at_heads,
        key_value_heads=key_value_heads or len(at_heads),
        query_heads=len(at_heads),
        n_layers=len(at_layers),
        patterns=found.astype(np.float32),
        ablation=ablation if measured else "",
        positions=np.arange(n),
        metric=metric if measured else "",
        unit=UNITS[metric] if measured else "",
        target=target,
        target_ids=np.empty(0, np.int64),
        foil=None,
        foil_ids=np.empty(0, np.int64),
        value=float("nan") if value is None else float(value),
        ablated=answers.astype(np.float64),
        answer_ids=np.full(shape, -1, np.int64),
        answer_probability=np.full(shape, np.nan),
        words={},
        top=(),
        diagnostics={},
        verdict=Verdict("caution", sentence, ("Attention is not an explanation: iw.heads switches each head off.",)),
        provenance=provenance_of_saved(model, text, notes),
    )


def trace_from_values(
    restored: Array | Mapping[str, Array],
    *,
    tokens: Sequence[str],
    subject_tokens: tuple[int, int],
    target: str,
    clean: float,
    corrupted: float | Array,
    model: str,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    window: int = 1,
    sigma: float = 0.0,
    noise: float = 3.0,
    notes: Sequence[str] = (),
) -> TraceResult:
    """A causal trace whose runs were made elsewhere.

    Parameters
    ----------
    restored: probability of the target in the restored runs, (positions, layers) or (samples, positions, layers); for
        other kinds than "hidden" a mapping from kind (see `trace_result.KINDS`) to such
    tokens: text of all tokens of the prompt; subject_tokens: (first, last) of the subject
    clean, corrupted: the probability in the clean run, and in each of the corrupted ones (samples,) or their mean
    positions, layers: the numbers of the dimensions; by default from 0
    window, sigma, noise: how it was made, for the record

    Raises ArgumentError, NonFiniteError.
    """
    text = text_of_tokens(tokens)
    n = len(text.tokens)
    kinds = dict(restored) if isinstance(restored, Mapping) else {"hidden": restored}
    for kind in kinds:
        if kind not in KINDS:
            raise not_one_of("restored", kind, KINDS)
    if not kinds:
        raise ArgumentError(f"restored is empty: give a mapping from one of {', '.join(KINDS)} to an array")
    first, last = (int(one) for one in subject_tokens)
    if not 0 <= first <= last < n:
        raise ArgumentError(f"subject_tokens={tuple(subject_tokens)!r}: first and last of tokens 0 to {n - 1}")
    before = np.atleast_1d(array("corrupted", corrupted, None, "a number, or (samples,)"))
    samples = array("corrupted", before, (None,), "a number, or (samples,)").shape[0]
    values: list[NDArray[Any]] = []
    for kind, given in kinds.items():
        one = array(f"restored[{kind!r}]", given, None, "(samples, positions, layers)")
        one = one[None] if one.ndim == 2 else one
        shape = (samples, *(values[0].shape[1:] if values else (None, None)))
        values.append(array(f"restored[{kind!r}]", one, shape, "(samples, positions, layers)"))
    for name, one in (("restored", np.stack(values)), ("clean", np.asarray(clean)), ("corrupted", before)):
        if one.min() < 0 or one.max() > 1:
            raise ArgumentError(f"{name}: probabilities go from 0 to 1")
    places = numbers("positions", positions, values[0].shape[1], below=n)
    shape = (len(values), len(places), values[0].shape[2])
    return trace_verdict(
        **text.fields(),
        positions=places,
        layers=numbers("layers", layers, shape[2]),
        subject="".join(text.tokens[first : last + 1]).strip(),
        subject_tokens=(first, last),
        target=target,
        target_ids=np.empty(0, np.int64),
        answer=target,
        kinds=tuple(kinds),
        window=window,
        clean=float(clean),
        corrupted=before.astype(np.float64),
        restored=np.stack(values).astype(np.float64),
        top_ids=np.empty((*shape, 0), np.int64),
        top_probability=np.empty((*shape, 0)),
        clean_top=(),
        corrupted_top=(),
        words={},
        sigma=sigma,
        noise=noise,
        provenance=provenance_of_saved(model, text, notes),
    )


def patch_from_values(
    values: Array | Mapping[str, Array],
    *,
    tokens: Sequence[str],
    source_tokens: Sequence[str],
    target: str,
    clean: float,
    corrupted: float,
    model: str,
    foil: str | None = None,
    metric: str = "difference",
    direction: str = "restore",
    layers: Sequence[int] | None = None,
    alignment: Array = None,
    normalised: bool = True,
    notes: Sequence[str] = (),
) -> PatchResult:
    """Activation patching whose runs were made elsewhere.

    Parameters
    ----------
    values: the number in each patched run, (tokens, layers), nan where none was made; for other sites than "resid_post"
        a mapping from site to such
    tokens, source_tokens: text of the tokens of the run that is patched, and of the one the activations come from
    clean, corrupted: the number in the two runs; foil, metric: as in `iw.patch`
    direction: "restore" (clean activations into the corrupted run) or "insert"
    alignment: for each token the one of the source that stands for it, -1 for none; by default the same place

    Raises ArgumentError, NonFiniteError.
    """
    text, source = text_of_tokens(tokens), text_of_tokens(source_tokens, "source_tokens")
    n = len(text.tokens)
    sites = dict(values) if isinstance(values, Mapping) else {"resid_post": values}
    for site in sites:
        if site not in PATCH_SITES:
            raise not_one_of("values", site, PATCH_SITES)
    if metric not in UNITS:
        raise not_one_of("metric", metric, UNITS)
    if (metric == "difference") != (foil is not None):
        raise ArgumentError(f"metric={metric!r}, foil={foil!r}: a difference needs a foil, and no other metric has one")
    if direction not in ("restore", "insert"):
        raise not_one_of("direction", direction, ("restore", "insert"))
    if not sites:
        raise ArgumentError(f"values is empty: give a mapping from one of {', '.join(PATCH_SITES)} to an array")
    found: list[Any] = []
    for site, given in sites.items():
        shape = (n, found[0].shape[1] if found else None)
        found.append(array(f"values[{site!r}]", given, shape, "(tokens, layers)", gaps=True))
    if alignment is None and len(source.tokens) != n:
        raise ArgumentError(
            f"alignment: tokens has {n}, source_tokens {len(source.tokens)}; say which token stands for which"
        )
    places = np.arange(n) if alignment is None else array("alignment", alignment, (n,), "(tokens,)").astype(np.int64)
    if places.min() < -1 or places.max() >= len(source.tokens):
        raise ArgumentError(f"alignment: -1, or a token of the source, 0 to {len(source.tokens) - 1}")
    stacked = np.stack(found).astype(np.float64)
    fields = text.fields()
    return patch_verdict(
        compared=(),
        **fields,
        source_text=source.text,
        source_tokens=source.tokens,
        alignment=places,
        direction=direction,
        sites=tuple(sites),
        row_kind="position",
        rows=np.arange(n),
        layers=numbers("layers", layers, stacked.shape[2]),
        patched_positions=np.empty(0, np.int64),
        metric=metric,
        unit=UNITS[metric],
        target=target,
        target_ids=np.empty(0, np.int64),
        foil=foil,
        foil_ids=np.empty(0, np.int64),
        clean=float(clean),
        corrupted=float(corrupted),
        values=stacked,
        first_order=np.full(stacked.shape, np.nan),
        points=0,
        normalised=normalised,
        clean_top=(),
        corrupted_top=(),
        provenance=provenance_of_saved(model, text, notes),
    )
