"""One conversation with a server through the `openai` client, and what each way of failing means.

The client's own repeats are off: when to try again is decided in one place (`calls`).  What a server says in an error
is told without the key, which some repeat, and cut to a line.
"""

from __future__ import annotations

import threading
from typing import Any

from interp_widgets.errors import MissingPackageError, ServerError
from interp_widgets.faithfulness.asking import Messages
from interp_widgets.faithfulness.calls import Passing, look
from interp_widgets.faithfulness.replies import Reply

_PASSING = (408, 409, 425, 429)  # and all from 500 on
_LINE = 200  # characters of what a server says


class Talk:
    """An open client. Holds the key as long as a run takes; neither pickled nor shown."""

    def __init__(
        self, base_url: str, model: str, *, key: str | None, timeout: float, stream: bool, key_variable: str
    ) -> None:
        try:
            import openai
        except ImportError:
            raise MissingPackageError(
                "asking a server needs the openai package; install it with: pip install 'interp-widgets[api]'"
            ) from None
        self._openai: Any = openai
        self._key, self._variable = key, key_variable
        self._client: Any = openai.OpenAI(base_url=base_url, api_key=key or "none", timeout=timeout, max_retries=0)
        self._model, self._stream = model, stream
        self._where = f"{model} at {base_url}"

    def __repr__(self) -> str:
        return f"<Talk with {self._where}>"

    def __reduce__(self) -> Any:
        raise TypeError("a talk with a server holds its key and is not saved")

    def close(self) -> None:
        self._client.close()

    def ask(self, messages: Messages, drawn: dict[str, Any], stop: threading.Event) -> Reply:
        """Raises Passing for what may pass, ServerError for what will not, Cancelled."""
        failure: Passing | ServerError
        try:
            return self._reply(messages, drawn, stop)
        except self._openai.APIStatusError as error:
            failure = self._refused(error)
        except self._openai.APITimeoutError:
            failure = Passing("it was too slow")
        except self._openai.APIConnectionError as error:
            cause = type(error.__cause__).__name__ if error.__cause__ is not None else ""
            failure = Passing(
                "the reply was cut off" if "Protocol" in cause or "Read" in cause else "no connection could be made"
            )
        except self._openai.APIError as error:  # an error inside a stream
            failure = Passing(f"it broke off with an error: {self._said(error)}")
        except (ValueError, AttributeError, TypeError, IndexError, KeyError):
            failure = Passing("the reply was malformed")
        except Exception as error:
            # Reading a stream goes past the client's own words, to those of the library below it.
            if not type(error).__module__.startswith(("httpx", "httpcore", "httpx2")):
                raise
            failure = Passing("it was too slow" if "Timeout" in type(error).__name__ else "the reply was cut off")
        # Outside of the handlers: the errors above hold the request with its headers, and the key is one of them.
        raise failure

    def _reply(self, messages: Messages, drawn: dict[str, Any], stop: threading.Event) -> Reply:
        made = self._client.chat.completions.create(
            model=self._model,
            messages=[{"role": role, "content": text} for role, text in messages],
            stream=self._stream,
            **drawn,
        )
        if not self._stream:
            choice, used = made.choices[0], getattr(made, "usage", None)
            if choice.finish_reason is None:
                raise Passing("the reply was cut off")
            return _counted(choice.message.content or "", choice.finish_reason, used)
        pieces: list[str] = []
        ended, used = None, None
        with made:
            for chunk in made:
                look(stop)
                used = getattr(chunk, "usage", None) or used
                for choice in chunk.choices[:1]:
                    pieces.append(choice.delta.content or "")
                    ended = choice.finish_reason or ended
        if ended is None:
            raise Passing("the stream was cut off")
        return _counted("".join(pieces), ended, used)

    def _refused(self, error: Any) -> Passing | ServerError:
        status = int(error.status_code)
        if status in _PASSING or status >= 500:
            said = "it limits the rate (429)" if status == 429 else f"it failed with status {status}"
            return Passing(said, _retry_after(error.response.headers))
        hint = ""
        if status in (401, 403):
            state = "is set" if self._key else "is not set"
            hint = f" The key is taken from the environment variable {self._variable}, which {state}."
        if status == 404:
            hint = " Is the address complete (most end in /v1), and is the model named as the server names it?"
        return ServerError(f"{self._where} refused with status {status}: {self._said(error)}.{hint}")

    def _said(self, error: Any) -> str:
        text = " ".join(str(getattr(error, "message", error)).split())[:_LINE].rstrip(".")
        if self._key:
            text = text.replace(self._key, "(the key)")
            # Some servers repeat its ends only, with stars between.
            for end in (self._key[:8], self._key[-4:]) if len(self._key) >= 12 else ():
                text = text.replace(end, "...")
        return text


def _counted(text: str, ended: str, used: Any) -> Reply:
    return Reply(
        text,
        ended != "length",
        int(getattr(used, "prompt_tokens", 0) or 0),
        int(getattr(used, "completion_tokens", 0) or 0),
    )


def _retry_after(headers: Any) -> float | None:
    """Seconds, where the server gives them as a number."""
    try:
        return max(float(headers.get("retry-after")), 0.0)
    except (TypeError, ValueError):
        return None
