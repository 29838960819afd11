"""The wheel carries everything, nothing stray, and works where there is no node.

It is built from the assets that lie in the tree, then installed into an environment of its own.  That environment sees
this one's packages through a `.pth` file, so that nothing is fetched again; this one's own install of the package stays
hidden from it, because `.pth` files in a folder that came by `.pth` are not read.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from interp_widgets._version import __version__

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[2]
SHARE = f"interp_widgets-{__version__}.data/data/share/jupyter/labextensions/interp-labextension/"
INFO = f"interp_widgets-{__version__}.dist-info/"
VIEWS = (
    "compare", "edit", "erasure", "faithfulness", "heads", "highlight", "lens", "matrix", "neuron", "patch", "steering",
    "trace",
)  # fmt: skip
BUNDLES = tuple(f"{view}.{kind}" for view in VIEWS for kind in ("js", "css"))
PACKED = "interp_widgets/packed.json.xz"
DIRECTORY_ENTRY = 46  # bytes beside the name, in an archive's table of contents
MEGABYTE, BUNDLE_LIMIT, LAB_LIMIT = 1_000_000, 60_000, 40_000
# Namespaces are names, not addresses: nothing is fetched from them.
NAMESPACES = re.compile(r"https?://www\.w3\.org/(1999/xhtml|1999/xlink|2000/svg|2000/xmlns/|1998/Math/MathML)")


def run(*command: object, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with nothing but `path` on the PATH, and none of this environment's Python or Jupyter variables."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "JUPYTER", "VIRTUAL"))}
    environment = {**kept, "PATH": str(path), "HOME": str(cwd)}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built where no node is on the PATH."""
    out, nothing = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("empty-path")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, path=nothing, cwd=ROOT)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def archive(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as opened:
        yield opened


@pytest.fixture(scope="module")
def packed(archive: zipfile.ZipFile) -> dict[str, str]:
    """The text of each file that is not code, by its path; the wheel has them packed in one."""
    texts: dict[str, str] = json.loads(lzma.decompress(archive.read(PACKED)))
    return texts


@pytest.fixture(scope="module")
def bundles(packed: dict[str, str]) -> dict[str, str]:
    """The text of each bundle by its name."""
    return {name.removeprefix("static/"): text for name, text in packed.items() if name.startswith("static/")}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it; returns its folder."""
    home = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", home / "venv", path=home, cwd=home)
    programs = home / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, path=programs, cwd=home)
    (packages,) = (home / "venv" / "lib").glob("python*/site-packages")
    (packages / "tested-set.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


def test_name_and_size(wheel: Path, archive: zipfile.ZipFile) -> None:
    """What grows with each lab of the course is counted by itself."""
    assert wheel.name == f"interp_widgets-{__version__}-py3-none-any.whl"
    labs: Counter[str] = Counter()
    for entry in archive.infolist():
        lab = re.match(r"interp_widgets/course/(lab\d\d)/", entry.filename)
        if lab is not None:
            labs[lab[1]] += entry.compress_size + len(entry.FileHeader()) + DIRECTORY_ENTRY + len(entry.filename)
    assert wheel.stat().st_size - labs.total() < MEGABYTE
    assert max(labs.values()) < LAB_LIMIT


def test_every_module_is_inside(archive: zipfile.ZipFile) -> None:
    sources = [*(ROOT / "interp_widgets").rglob("*.py"), ROOT / "interp_widgets/py.typed"]
    missing = {source.relative_to(ROOT).as_posix() for source in sources} - set(archive.namelist())
    assert missing == set()


def test_every_text_is_inside_once(archive: zipfile.ZipFile, packed: dict[str, str]) -> None:
    rooms = ("editing", "erasure", "faithfulness", "locate", "models", "steering")
    found = [file for room in rooms for file in (ROOT / "interp_widgets" / room).rglob("*.*")]
    files = [file for file in found if file.suffix in (".json", ".txt")]
    texts = {file.relative_to(ROOT / "interp_widgets").as_posix(): file.read_text("utf-8") for file in files}
    assert len(texts) > 10
    assert {name: text for name, text in packed.items() if not name.startswith("static/")} == texts
    assert not {f"interp_widgets/{name}" for name in packed} & set(archive.namelist())


def test_bundles_and_labextension_are_inside(archive: zipfile.ZipFile, bundles: dict[str, str]) -> None:
    names = set(archive.namelist())
    assert set(bundles) == set(BUNDLES)
    assert {SHARE + "package.json", SHARE + "install.json"} <= names
    assert any(re.fullmatch(re.escape(SHARE) + r"static/remoteEntry\.\w+\.js", name) for name in names)
    assert any(name.startswith(SHARE + "schemas/interp-labextension/") for name in names)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_bundles_are_small_and_those_that_were_built(bundles: dict[str, str], bundle: str) -> None:
    assert len(bundles[bundle].encode()) <= BUNDLE_LIMIT
    assert bundles[bundle] == (ROOT / "interp_widgets/static" / bundle).read_text("utf-8")


def test_nothing_stray_is_inside(archive: zipfile.ZipFile) -> None:
    wanted = re.compile(
        r"interp_widgets/.*\.(py|typed)|interp_widgets/course/lab\d\d/\w+\.json|"
        + f"{re.escape(PACKED)}|{re.escape(SHARE)}.*|{re.escape(INFO)}(METADATA|WHEEL|RECORD|licenses/LICENSE)"
    )
    stray = re.compile(r"build_log|node_modules|__pycache__|\.map$|\.tsbuildinfo|/tests?/|\.ipynb")
    for name in archive.namelist():
        assert wanted.fullmatch(name), f"stray file in the wheel: {name}"
        assert not stray.search(name), f"stray file in the wheel: {name}"


def test_record_lists_exactly_what_is_there(archive: zipfile.ZipFile) -> None:
    record = archive.read(INFO + "RECORD").decode()
    assert sorted(row[0] for row in csv.reader(io.StringIO(record))) == sorted(archive.namelist())


def test_no_view_names_another_machine(bundles: dict[str, str]) -> None:
    for name, text in bundles.items():
        left = NAMESPACES.sub("", text)
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w{2,}[^\s\"'`]*", left) == [], name


def test_by_way_of_the_sdist_it_is_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "empty-path"
    nothing.mkdir()
    out = tmp_path / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, path=nothing, cwd=ROOT)
    (rebuilt,) = out.glob("*.whl")
    assert rebuilt.read_bytes() == wheel.read_bytes()


def test_it_imports_from_where_it_was_installed(installed: Path) -> None:
    code = "import interp_widgets as iw; print(iw.__file__); print(iw.__version__)"
    programs = installed / "venv" / "bin"
    file, version = run(programs / "python", "-c", code, path=programs, cwd=installed).stdout.split()
    assert Path(file).is_relative_to(installed / "venv")
    assert version == __version__


DRAW = """
import sys
import interp_widgets as iw
assert not {"lzma", "tarfile", "interp_widgets.widgets"} & set(sys.modules)
result = iw.locate.heads_from_weights([[[[1.0, 0.0], [0.5, 0.5]]]], tokens=["The", " city"], model="made up")
page = result.to_html("page.html")
from interp_widgets.widgets import Heads
widget = Heads(result)
print(len(widget._esm), len(widget._css), widget._css in page)
print(next(row for row in iw.doctor().rows if row.name == "widget bundles").state)
"""


def test_it_draws_a_widget_and_writes_a_page(installed: Path, bundles: dict[str, str]) -> None:
    programs = installed / "venv" / "bin"
    said = run(programs / "python", "-c", DRAW, path=programs, cwd=installed).stdout.split()
    assert said == [str(len(bundles["heads.js"])), str(len(bundles["heads.css"])), "True", "ok"]
    assert "made up" in (installed / "page.html").read_text("utf-8")


def test_jupyterlab_lists_the_extension(installed: Path) -> None:
    programs = installed / "venv" / "bin"
    listed = run(programs / "python", "-m", "jupyterlab.labextensions", "list", path=programs, cwd=installed)
    words = re.sub(r"\x1b\[[0-9;]*m", "", listed.stdout + listed.stderr)
    line = next((line for line in words.splitlines() if "interp-labextension" in line), words)
    assert f"v{__version__}" in line
    assert "enabled" in line
    assert "OK" in line
    assert "(python, interp_widgets)" in line
