"""nbgrader's settings for this course. Only nbgrader reads this file; TEACHING.md tells how to use it.

The course is the folder of this file, wherever it lies. Beside the settings stand four classes, for what would
otherwise stop the grading of a class, or give a wrong mark:

1. `PutBack`: cells whose metadata was lost or changed, and checks that were deleted, are as they were released.
2. `Execute`: a cell that nothing stops, or that ends the kernel, takes no marks from the cells before it.
3. `LastValue`: the mark is the last value of a check cell, and only that.
4. `Collector`: one notebook from each student's folder, also when a browser or a system gave it another name.
"""

import copy
import re
from pathlib import Path

import nbformat
from nbclient.exceptions import DeadKernelError
from nbgrader import preprocessors
from nbgrader.plugins import FileNameCollectorPlugin

c = get_config()  # noqa: F821 - nbgrader defines it

LONGEST = 100_000  # characters of one output that are kept
# Words that an honest answer has no use for. A person decides; the log only points.
SUSPECT = re.compile(
    r"interp_widgets\.course|_getframe|\binspect\b|displayhook|display_trap|gradebook|\bIn\[|sys\.modules|\.ipynb"
)


def _known(cell):
    return cell.metadata.get("nbgrader") or {}


class PutBack(preprocessors.NbGraderPreprocessor):
    """The first step: whatever happened to the cells that nbgrader knows, only what was answered differs afterwards.

    By itself nbgrader stops at a submission in which a cell is there twice, or an answer and its check are gone, or
    metadata was edited.
    """

    def preprocess(self, nb, resources):
        names, course = resources["nbgrader"], self.parent.parent.coursedir
        folder = course.format_path(course.release_directory, ".", names["assignment"])
        cells = nbformat.read(Path(folder, names["notebook"] + ".ipynb"), as_version=4).cells
        shown = {cell.id: cell for cell in cells if not _known(cell)}
        released = {_known(cell)["grade_id"]: cell for cell in cells if _known(cell)}
        by_cell_id = {cell.id: name for name, cell in released.items()}
        claims = {name: [] for name in released}
        for cell in nb.cells:
            name = _known(cell).get("grade_id")
            if name not in released:  # lost on the way: the cell's id still tells which one it is
                name = by_cell_id.get(cell.get("id"))
            claims.get(name, []).append(cell)
            # Cells that only show things are not run; one that a student changed may hold something that is needed.
            same = shown.get(cell.get("id"))
            untouched = same is not None and same.source == cell.source
            cell.metadata = copy.deepcopy(same.metadata) if untouched else nbformat.from_dict({})
        for name, original in released.items():
            # Of several the last counts, as in the kernel; of texts the last in which something was written.
            written = [cell for cell in claims[name] if cell.source != original.source]
            is_text = _known(original)["grade"] and _known(original)["solution"]
            chosen = (written if is_text and written else claims[name])[-1:]
            if not chosen and _known(original)["grade"]:
                self.log.warning("Cell %s was missing and is put back", name)
                chosen = [copy.deepcopy(original)]
                answer = claims.get(name.removesuffix("-check"))
                place = nb.cells.index(answer[-1]) + 1 if answer else len(nb.cells)
                nb.cells.insert(place, chosen[0])
            for cell in chosen:
                cell.metadata = copy.deepcopy(original.metadata)
        as_released = {cell.source for cell in cells}
        for cell in nb.cells:
            found = sorted(set(SUSPECT.findall(cell.source))) if cell.cell_type == "code" else []
            if found and cell.source not in as_released:
                said = "A teacher should look at %s's cell %s: it holds %s"
                self.log.warning(said, names["student"], cell.get("id"), ", ".join(found))
        return nb, resources


class Execute(preprocessors.Execute):
    """A cell that ends the kernel, or that no interrupt stops, costs itself and what comes after it.

    By itself nbgrader then drops the whole submission, or waits the full time for each cell that follows.
    """

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if not getattr(self, "ended", ""):
            try:
                cell, resources = super().preprocess_cell(cell, resources, index)
            except DeadKernelError:
                self.ended = "an earlier cell ended the kernel"
                cell.outputs = [self._error("this cell ended the kernel")]
            # One time limit may pass and the interrupt work; a second one in the next cell means that it did not.
            late = any(output.get("ename") == "CellTimeoutError" for output in cell.outputs)
            self.late = getattr(self, "late", 0) + 1 if late else 0
            if self.late > 1:
                self.ended = "an earlier cell could not be stopped"
        else:
            cell.outputs = [self._error(f"not run: {self.ended}")]
        return cell, resources

    def _error(self, said):
        return nbformat.v4.new_output("error", ename="NotRun", evalue=said, traceback=[f"NotRun: {said}"])


class LastValue(preprocessors.NbGraderPreprocessor):
    """After the run: the mark of a check is its last value, an error is an error wherever it stands, no value is none.

    By itself nbgrader takes the first value that appears, gives all points where none does, gives none where a warning
    went to stderr, and stops at a value above the points.
    """

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        for output in cell.outputs:
            if output.output_type == "stream" and len(output.text) > LONGEST:
                output.text = output.text[:LONGEST] + "\n... cut here ...\n"
        if not _known(cell).get("grade") or _known(cell).get("solution"):
            return cell, resources
        values = [output for output in cell.outputs if output.output_type == "execute_result"]
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors and not self._is_mark(values[-1:], float(_known(cell)["points"])):
            said = "The check showed no mark. No points; a teacher should look at this cell."
            errors = [nbformat.v4.new_output("error", ename="NoMark", evalue=said, traceback=[f"NoMark: {said}"])]
        shown = [output for output in cell.outputs if output.output_type not in ("execute_result", "error")]
        for output in shown:
            if output.output_type == "stream":
                output.name = "stdout"
        cell.outputs = shown + (errors or values[-1:])
        return cell, resources

    def _is_mark(self, values, points):
        try:
            return 0.0 <= float(values[0]["data"]["text/plain"]) <= points
        except (IndexError, KeyError, TypeError, ValueError):
            return False


class Collector(FileNameCollectorPlugin):
    """downloaded/lab01/extracted/<student>/.../<notebook>.ipynb, from one zip or folder for each student.

    By itself nbgrader stops collecting for everybody when one student handed in two files of the same name.
    """

    def collect(self, submitted_file):
        course, path = self.parent.coursedir, Path(submitted_file)
        folder = Path(self.parent._format_collect_path(self.parent.extracted_directory))
        if len(path.relative_to(folder).parts) < 2:
            self.log.warning("%s is in no student's folder", path.name)
            return None
        student = path.relative_to(folder).parts[0]
        released = Path(course.format_path(course.release_directory, ".", course.assignment_id))
        for name in sorted(notebook.stem for notebook in released.glob("*.ipynb")):
            best = self._best(folder / student, name, alone=len(list(released.glob("*.ipynb"))) == 1)
            if best == path:
                return {"student_id": student, "file_id": name}
        return None

    def _best(self, folder, name, alone):
        """This notebook: by its whole name, else by how it begins ("... (1)", "...-Copy1"), else the only one."""
        found = [path for path in sorted(folder.rglob("*.ipynb")) if not path.name.startswith(".")]
        found = [path for path in found if not {"__MACOSX", ".ipynb_checkpoints"} & set(path.parts)]
        exact = [path for path in found if path.stem == name]
        alike = [path for path in found if path.stem.startswith(name)]
        chosen = (exact or alike or (found if alone and len(found) == 1 else []))[:1]
        if chosen and len(found) > 1:
            self.log.warning("%s handed in %d notebooks; taken: %s", folder.name, len(found), chosen[0].name)
        return chosen[0] if chosen else None


# The course

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "interp-widgets"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", ".DS_Store", "masters", "TEACHING.md"]

# What students get: no locks, because people who learn alone may edit what they like; grading puts back what counts.

c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code in place of this line"}
c.ClearSolutions.text_stub = "*Your answer in place of this line.*"
c.LockCells.lock_solution_cells = False
c.LockCells.lock_grade_cells = False
c.LockCells.lock_readonly_cells = False

# Collecting and grading

c.ZipCollectApp.collector_plugin = Collector
c.Autograde.sanitize_preprocessors = [
    preprocessors.ClearOutput,
    PutBack,
    preprocessors.DeduplicateIds,
    preprocessors.OverwriteKernelspec,
    preprocessors.OverwriteCells,
    preprocessors.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    Execute,
    preprocessors.LimitOutput,
    LastValue,
    preprocessors.SaveAutoGrades,
    preprocessors.AssignLatePenalties,
    preprocessors.CheckCellMetadata,
]
c.OverwriteCells.add_missing_cells = True  # `PutBack` did it already; this is for who takes it out
c.Execute.timeout = 240  # seconds for one cell; the longest cell of a solution takes a quarter of it
c.Execute.interrupt_on_timeout = True
c.Execute.startup_timeout = 120
c.Execute.iopub_timeout = 15
c.Execute.raise_on_iopub_timeout = False  # an output that is lost costs its cell, not the whole submission
c.LimitOutput.max_lines = 1000
c.LimitOutput.max_traceback = 60
