"""The package's reference text: some thousand English sentences about many topics, for what must be measured on text.

The sentences were sampled from the default model by `tools/sample_reference.py` and looked through for odd ones; what
they say is often untrue.  Topics take turns, so that the first hundred sentences are as diverse as all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

from interp_widgets.packed import packed_text


@cache
def sentences() -> tuple[str, ...]:
    """All sentences, in the order of the file; each of 6 to 40 words, without a newline."""
    return tuple(packed_text("models/reference_text.txt").splitlines())


def corpus_hash(texts: Iterable[str]) -> str:
    """SHA-256 that names a list of texts, their order included; hexadecimal."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "big"))  # so that two short texts are not one long one
        digest.update(data)
    return digest.hexdigest()
