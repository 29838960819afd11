"""The one road from a view to Python: `{id, kind, args}` comes in, `{id, result}` or `{id, error}` goes back.

1. A widget's methods marked with `@request("explain")` answer requests of that kind; `args` are their keywords.
2. Whatever a method raises becomes the error of the answer. The widget library only logs what callbacks raise, where
   nobody looks; here nothing vanishes.
3. An error has a title, a message, the traceback to copy, and, where a likely fix is known, the request that does it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from interp_widgets import errors
from interp_widgets.results.text import named

_REQUEST = "_interp_request"
Method = TypeVar("Method", bound=Callable[..., Any])

_TITLES: tuple[tuple[type[BaseException], str], ...] = (
    (errors.EmptyPromptError, "The prompt is empty."),
    (errors.PromptTooLongError, "The prompt is too long for this model."),
    (errors.OutOfRangeError, "The model has no such place."),
    (errors.ArgumentError, "This choice cannot work."),
    (errors.NonFiniteError, "The model computed numbers that are none."),
    (errors.MemoryExhaustedError, "There is not enough memory."),
    (errors.ModelUnavailableError, "The model is not in memory."),
    (errors.Cancelled, "The work was cancelled."),
    (KeyboardInterrupt, "The kernel was interrupted."),
)


def request(kind: str) -> Callable[[Method], Method]:
    """Mark a method as the answer to requests of this kind; what it returns is the result (None: empty)."""

    def mark(method: Method) -> Method:
        setattr(method, _REQUEST, kind)
        return method

    return mark


def requests_of(cls: type) -> dict[str, str]:
    """Kind -> name of the method that answers it."""
    found = {}
    for base in reversed(cls.__mro__):
        for name, attribute in vars(base).items():
            if hasattr(attribute, _REQUEST):
                found[str(getattr(attribute, _REQUEST))] = name
    return found


def answer(widget: object, table: Mapping[str, str], content: Any) -> dict[str, Any] | None:
    """The message to send back; None if `content` is no request (the host's own messages pass this way too)."""
    if not isinstance(content, dict) or not isinstance(content.get("id"), str) or "kind" not in content:
        return None
    try:
        kind, args = content["kind"], content.get("args") or {}
        if kind not in table:
            raise errors.ArgumentError(f"kind={kind!r}: this widget answers {', '.join(table)}")
        if not isinstance(args, dict):
            raise errors.ArgumentError(f"args={args!r} of {kind!r} is not an object")
        result = getattr(widget, table[kind])(**args)
        return {"id": content["id"], "result": {} if result is None else result}
    except (Exception, KeyboardInterrupt) as error:  # a Ctrl-C that lands here is told as well
        return {"id": content["id"], "error": describe_error(error)}


def describe_error(error: BaseException, asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Title, message, fix and traceback as a card shows them; `asked` are the arguments of the request that failed."""
    fix = None
    title = next((words for kind, words in _TITLES if isinstance(error, kind)), None)
    if isinstance(error, errors.TargetError):
        wish = (asked or {}).get(error.argument)
        shown = f"\u201c{named(wish)}\u201d" if isinstance(wish, str) else f"The {error.argument}"
        title = f"{shown} cannot follow this prompt as written."
        if error.suggestion is not None:
            fix = {
                "label": f"Use {named(error.suggestion)}",
                "args": {**(asked or {}), error.argument: error.suggestion},
            }
    return {
        "title": title or f"Something went wrong: {type(error).__name__}.",
        "message": str(error) or type(error).__name__,
        "fix": fix,
        "traceback": "".join(traceback.format_exception(error)),
    }
