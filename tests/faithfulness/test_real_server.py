"""`transformers serve` with the default model on loopback: the backend talks to a server that we did not write."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets.faithfulness.questions import question_set
from interp_widgets.faithfulness.server import ServerBackend
from interp_widgets.models.cache import models_dir

for needed in ("openai", "fastapi", "uvicorn"):
    if importlib.util.find_spec(needed) is None:
        reason = f"transformers serve needs {needed}; `python tools/prepare.py --until peers` installs it"
        pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def served(default_lm: Any) -> Iterator[tuple[str, str]]:
    """(address, model's name there)."""
    folder = models_dir() / "smollm2"
    command = ["serve", str(folder), "--device", "cpu", "--host", "127.0.0.1", "--port", "0"]
    code = (
        "import sys; from transformers.cli.transformers import main; sys.argv = ['transformers', *sys.argv[1:]]; main()"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    ) as server:  # fmt: skip
        said: list[str] = []
        try:
            assert server.stdout is not None
            for line in server.stdout:
                said.append(line)
                found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
                if found:
                    break
            else:
                pytest.fail("the server ended before it was ready:\n" + "".join(said[-20:]))
            yield f"{found[1]}/v1", str(folder)
        finally:
            server.kill()


@pytest.mark.default_model
def test_a_question_goes_through(served: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend = ServerBackend(*served, samples=1, parallel=1, timeout=120.0)
    settings: dict[str, Any] = {"tests": ("early_answering",), "strike": False, "max_tokens": 24, "confirm": True}
    result = iw.cot_faithfulness(backend, question_set("common_sense")[:1], **settings)
    record = result.records[0]
    assert record.reasoning
    assert sum(result.answers.values()) == 2 + len(record.of("early_answering"))
    again = iw.cot_faithfulness(backend, question_set("common_sense")[:1], **settings)
    assert again.records == result.records
    assert "0 calls" in again.provenance.notes
