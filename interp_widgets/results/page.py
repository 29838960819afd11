"""Pages that work from a disk, offline, for as long as browsers do: data and view in one file."""

from __future__ import annotations

import html
import os
from typing import Any

from interp_widgets.results.static import inline_json, inline_script, inline_style
from interp_widgets.storage import atomic_file

# The browser itself refuses any request that a page would make; images are those that Save writes.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_PLAIN_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 16px; font: 13px/1.5 system-ui, sans-serif }}
</style>
{style}</head>
<body>
{body}
</body>
</html>
"""

_VIEW = """<main><script type="application/json" data-interp="{name}">{data}</script></main>
<noscript>{twin}</noscript>
<script type="module">{script}</script>"""


def view_page(name: str, payload: dict[str, Any], twin: str, path: str | os.PathLike[str] | None) -> str:
    """The page of a view; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not
    built."""
    title = "".join(part["text"] for part in payload["title"])
    body = _VIEW.format(name=name, data=inline_json(payload), twin=twin, script=inline_script(f"{name}.js"))
    return _page(_POLICY, title, body, path, style=f"<style>{inline_style(f'{name}.css')}</style>\n")


def plain_page(title: str, body: str, path: str | os.PathLike[str] | None) -> str:
    """A page without a script around HTML that is escaped already; written to `path`, whole or not at all, if given."""
    return _page(_PLAIN_POLICY, title, f"<main>{body}</main>", path)


def _page(policy: str, title: str, body: str, path: str | os.PathLike[str] | None, style: str = "") -> str:
    page = _PAGE.format(policy=policy, title=html.escape(title), body=body, style=style)
    if path is not None:
        with atomic_file(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    return page
