"""The one place where hooks are registered on a model, and where they act.

1. A *change* (an intervention) names the sites where it acts, with a function from an activation to a new one.
2. A `Snapshot` is an ordered set of changes, looked up by module.
3. The `HookBoard` keeps one marked hook on each module that some change, run or scope needs, and none elsewhere.
   A hook asks at call time which changes hold *in this thread and context*; with none it returns nothing, so the
   model computes exactly what it computes without hooks.
4. `sync` is called before every run and after every change.  It also removes each marked hook that the board does
   not list: an interrupt can land inside torch's registration, after the hook is in and before we know of it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as torch_checkpoint

from interp_widgets.models.architectures import Architecture, Site, Where

if TYPE_CHECKING:
    from interp_widgets.models.run import Run

Key = tuple[int, Where]  # id of a module, and the side


@dataclass(frozen=True)
class Frame:
    """Which tokens the current forward pass sees.

    positions: int64, (batch, tokens), counted from the first token that is not padding; -1 for padding.
    prompt_length: int64, (batch, 1); tokens from there on were generated.
    """

    positions: Tensor
    prompt_length: Tensor


# (activation, the module's first input, frame) -> new activation. Must not write into what it gets.
Action = Callable[[Tensor, Tensor, Frame | None], Tensor]


class Change(Protocol):
    """What an intervention must offer to act on activations."""

    @property
    def replaces(self) -> bool:
        """True if the result does not depend on the activation that it gets; such changes act last at a site."""

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        """Where it acts on a model of this architecture, and how."""


class Snapshot:
    """An ordered set of changes, indexed by the module where they act; replacements come last at each."""

    def __init__(self, changes: Sequence[Change], architecture: Architecture) -> None:
        self.changes = tuple(changes)
        self._at: dict[Key, list[Action]] = {}
        for change in sorted(self.changes, key=lambda change: change.replaces):  # stable: activation order is kept
            for site, action in change.acts(architecture):
                module, where = architecture.module(site)
                self._at.setdefault((id(module), where), []).append(action)

    @property
    def names(self) -> tuple[str, ...]:
        """What is active, by name where it has one."""
        return tuple(str(getattr(change, "name", change)) for change in self.changes)

    def at(self, key: Key) -> Sequence[Action]:
        return self._at.get(key, ())

    def keys(self) -> set[Key]:
        return set(self._at)


# A stack, not a single run: runs of two models may be nested, and generators may close runs in another order.
open_runs: ContextVar[tuple[weakref.ref[Run], ...]] = ContextVar("interp_widgets_runs", default=())
_frame: ContextVar[Frame | None] = ContextVar("interp_widgets_frame", default=None)


def running(board: HookBoard) -> Run | None:
    """The innermost open run of this thread and context on this board's model."""
    for reference in reversed(open_runs.get()):
        run = reference()
        if run is not None and run.open and run.board is board:
            return run
    return None


def _nothing(*args: Any, **kwargs: Any) -> None:
    """What our hooks become in a deep copy of the model: the copy has no ledger, so nothing acts on it."""


class _Hook:
    """A marked hook: forward (output) or forward-pre (input) of one module."""

    def __init__(self, board: HookBoard, key: Key) -> None:
        self.board, self.key = board, key

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any = None) -> Any:
        run = running(self.board)
        packed = inputs if self.key[1] == "input" else output
        activation = packed[0] if isinstance(packed, tuple) else packed
        changed = activation
        if run is not None:
            run.pulse(activation)
            run.notice(self.key, activation)
        snapshot = run.snapshot if run is not None else self.board.here()
        for action in snapshot.at(self.key):
            changed = action(changed, inputs[0] if inputs else activation, _frame.get())
        if run is not None:
            changed = run.observe(self.key, changed)
        if changed is activation:
            return None
        return (changed, *packed[1:]) if isinstance(packed, tuple) else changed

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _nothing


class _Clock:
    """A marked pre-hook of the base model that works out the `Frame` of each forward pass."""

    def __init__(self, board: HookBoard) -> None:
        self.board = board

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        if kwargs is None:  # another thread is removing this hook right now, so nothing here needs a frame
            return
        tokens = kwargs.get("input_ids")
        if tokens is None:
            tokens = kwargs.get("inputs_embeds")
        if tokens is None and args:
            tokens = args[0]
        if not isinstance(tokens, Tensor):
            return
        cache = kwargs.get("past_key_values")
        past = int(cache.get_seq_length()) if cache is not None else 0
        set_frame(self.board, tokens, past, kwargs.get("attention_mask"), kwargs.get("position_ids"))

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _nothing


def set_frame(
    board: HookBoard, tokens: Tensor, past: int, mask: Tensor | None = None, position_ids: Tensor | None = None
) -> None:
    """Note which positions the forward pass of `tokens` (batch, tokens, ...) covers, after `past` cached ones."""
    batch, length = tokens.shape[:2]
    if isinstance(mask, Tensor) and mask.dim() == 2:
        seen = mask.to(tokens.device).long()
        positions = (seen.cumsum(-1) - 1).masked_fill(seen == 0, -1)[:, -length:]
        lengths = seen.sum(-1, keepdim=True)
    elif position_ids is not None:
        positions = position_ids.expand(batch, length)
        lengths = positions[:, -1:] + 1
    else:
        positions = torch.arange(past, past + length, device=tokens.device).expand(batch, length)
        lengths = positions[:, -1:] + 1
    run, before = running(board), _frame.get()
    if run is not None and run.prompt_length is not None:
        lengths = torch.as_tensor(run.prompt_length, device=tokens.device).reshape(-1, 1).expand(batch, 1)
    elif past and before is not None and before.prompt_length.shape[0] == batch:
        lengths = before.prompt_length  # a decoding step of a loop that is not ours
    _frame.set(Frame(positions, lengths))


class HookBoard:
    """Keeps the hooks of one model in step with what is active."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._handles: dict[Key | str, tuple[Any, torch.utils.hooks.RemovableHandle]] = {}
        self.tupled: bool | None = None  # whether layers give their output in a tuple; found out when first needed
        self._modules = {id(module): module for module in architecture.model.modules()}
        self.changing = threading.RLock()  # held while hooks, or the sets that they follow from, change
        self.standing: Callable[[], Iterable[Snapshot]] = lambda: ()  # the ledger and all open scopes
        self.here: Callable[[], Snapshot] = lambda: Snapshot((), architecture)  # what holds in this context

    def sync(self) -> None:
        """Register what is needed, remove what is not, and sweep away marked hooks that are not listed."""
        with self.changing:
            runs = [run for run in self.runs if run.open]
            wanted: set[Key] = set()
            for snapshot in self.standing():
                wanted |= snapshot.keys()
            for run in runs:
                wanted |= run.snapshot.keys()
            acting = bool(wanted)
            for run in runs:
                wanted |= run.keys()
            for key in [key for key in self._handles if key not in wanted and not (key == "clock" and acting)]:
                self._handles.pop(key)[1].remove()
            for key in wanted - self._handles.keys():
                module, hook = self._modules[key[0]], _Hook(self, key)
                handle = (
                    module.register_forward_pre_hook(hook) if key[1] == "input" else module.register_forward_hook(hook)
                )
                self._handles[key] = (hook, handle)
            if acting and "clock" not in self._handles:
                clock = _Clock(self)
                handle = self.architecture.base.register_forward_pre_hook(clock, with_kwargs=True)
                self._handles["clock"] = (clock, handle)
            _sync_stand_ins(self, any(run.takes_over_layers for run in runs))
            self._sweep()

    def _sweep(self) -> None:
        listed = {id(hook) for hook, _ in self._handles.values()}
        for module in self._modules.values():
            for hooks in (module._forward_hooks, module._forward_pre_hooks):
                for number, hook in list(hooks.items()):
                    if isinstance(hook, _Hook | _Clock) and hook.board is self and id(hook) not in listed:
                        hooks.pop(number, None)
            flags = module._forward_pre_hooks_with_kwargs
            for number in [number for number in flags if number not in module._forward_pre_hooks]:
                flags.pop(number, None)

    def close(self) -> None:
        """Take every hook off: the `LanguageModel` is gone, and its Hugging Face model may live on without it."""
        self.standing = lambda: ()
        self.here = lambda: Snapshot((), self.architecture)
        self.sync()


@dataclass(frozen=True)
class LayerCall:
    """What the model passes to a layer; `args` and `kwargs` hold the hidden states and a cache among others."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def _sync_stand_ins(board: HookBoard, wanted: bool) -> None:
    for number, layer in enumerate(board.architecture.layers):
        standing = isinstance(layer.__dict__.get("forward"), _StandIn)
        if wanted and not standing:
            layer.forward = _StandIn(board, number, layer)
        elif standing and not wanted:
            layer.__dict__["forward"].restore(layer)


class _StandIn:
    """Stands in for a layer's `forward` while some run asks for what hooks cannot do: to skip layers, to note what the
    model passes to them, or to keep only a layer's input and compute the rest again going backward."""

    def __init__(self, board: HookBoard, number: int, layer: nn.Module) -> None:
        self.board, self.number, self.original = board, number, layer.forward
        self.own = layer.__dict__.get("forward")  # accelerate puts its own forward on the instance

    def restore(self, layer: nn.Module) -> None:
        if self.own is None:
            del layer.__dict__["forward"]
        else:
            layer.forward = self.own

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run = running(self.board)
        if run is None:
            return self.original(*args, **kwargs)
        if run.calls is not None:
            run.calls.append(LayerCall(args, kwargs))
        if run.until is not None and self.number > run.until:
            return self._pass_on(args, kwargs)
        if not run.checkpoint or not torch.is_grad_enabled():
            return self.original(*args, **kwargs)
        return self._checkpointed(run, args, kwargs)

    def _pass_on(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The hidden states as they came, in the form in which layers of this family give theirs."""
        if self.board.tupled is None:
            self.board.tupled = isinstance(self.original(*args, **kwargs), tuple)
        states = args[0] if args else kwargs["hidden_states"]
        return (states, None) if self.board.tupled else states

    def _checkpointed(self, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        runs, frame, snapshot = open_runs.get(), _frame.get(), run.snapshot  # not the run: it must be free to go

        def again(*args: Any, **kwargs: Any) -> Any:
            # Backward runs in a thread of its own on CUDA, where the context variables are not set.
            runs_token, frame_token = open_runs.set(runs), _frame.set(frame)
            try:
                # The run of the forward pass may be over (`lm.hidden` opens its own), but one around it must be open.
                now = running(self.board)
                if now is None or now.snapshot is not snapshot:  # else with other changes
                    raise RuntimeError("take the gradient of a run with checkpoint=True inside its `with` block")
                return self.original(*args, **kwargs)
            finally:
                _frame.reset(frame_token)
                open_runs.reset(runs_token)

        before = _saving()
        try:
            return torch_checkpoint(again, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)
        except BaseException:
            # An interrupt inside torch's own entry or exit would leave its way of saving on in this thread for good.
            while _saving() not in (None, before):
                torch._C._autograd._pop_saved_tensors_default_hooks()
            raise


def _saving() -> Any:
    """The functions by which this thread keeps what a backward pass needs, set by a checkpoint; None by default."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True)  # no public way to ask
