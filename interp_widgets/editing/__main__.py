"""`python -m interp_widgets.editing verify SUITE`: does a model still answer what it was made to answer?

Exit code 0: it does; 1: it does not; 2: the suite, the model or the edit cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m interp_widgets.editing")
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="run a regression suite of an edit; exit code 0 if it passes, 1 if not")
    verify.add_argument("suite", help="the file that EditSuite.save wrote")
    verify.add_argument(
        "--model", default="smollm2", help="a name, or a folder: an edited checkpoint (default: smollm2)"
    )
    verify.add_argument("--edit", help="a file with edits, as edit.save or lm.ledger.save wrote it")
    verify.add_argument("--junit", help="where to write the outcome as JUnit XML")
    return run(parser.parse_args(given))


def run(asked: argparse.Namespace) -> int:
    from interp_widgets.editing.evaluating.suite import EditSuite
    from interp_widgets.errors import InterpError
    from interp_widgets.models.loading import load_model

    try:
        suite = EditSuite.load(asked.suite)
        lm = load_model(asked.model)
        if asked.edit:
            lm.ledger.load(asked.edit)
        found = suite.verify(lm)
        if asked.junit:
            found.save_junit(asked.junit)
    except (InterpError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(found)
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
