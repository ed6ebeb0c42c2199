"""The site of the pages: `make site` (Sphinx with MyST; tests/docs/README.md says why that).

The pages are plain Markdown for a forge; what a site needs besides is made here: the navigation
from the lists of docs/README.md, and text in place of links to what is no page, such as a folder
of the source.
"""

import re
import tomllib
from pathlib import Path
from posixpath import dirname, join, normpath

ROOT = Path(__file__).resolve().parents[1]

project = "runtimegate"
copyright = "the runtimegate authors"
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
release = version = _PROJECT["version"]
extensions = ["myst_parser"]
root_doc = "docs/README"
include_patterns = ["docs/*.md", "docs/*/*.md", "policies/README.md", "CHANGELOG.md"]
exclude_patterns = [".venv", ".build", "dist", "tests", "webhook", "certs", "deploy", "**/.*"]
html_theme = "furo"
html_title = "runtimegate"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["static"]
html_css_files = ["site.css"]
# Anchors as a forge makes them, so that one link serves both.
myst_heading_anchors = 6
myst_links_external_new_tab = False
nitpicky = True
highlight_language = "none"

_FENCE = re.compile(r"^ *(```+)")
_SPAN = re.compile(r"`[^`]*`|(?<!!)\[(?P<text>(?:[^\[\]`]|`[^`]*`)*)\]\((?P<target>[^()\s]+)\)")
_ITEM = re.compile(r"^- \[(?P<text>.+)\]\((?P<target>[^)#]+\.md)\)$")


def setup(app):
    """Sphinx's hook."""
    app.connect("source-read", _prepare)
    app.connect("build-finished", _entry)


def _prepare(_, name, source):
    text = source[0]
    if name == root_doc:
        text += _navigation(text)
    source[0] = _without_links_outside(name, text)


def _navigation(text):
    """A toctree for each section of the index, in its order."""
    trees, title, pages = [], "", []
    for line in [*text.splitlines(), "## "]:
        if line.startswith("## "):
            if pages:
                # Without a text it is the title of the page.
                entries = "\n".join(
                    f"{text} </{page}>" if text else f"/{page}" for text, page in pages
                )
                trees.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```")
            title, pages = line[3:], []
        elif found := _ITEM.match(line):
            page = normpath(join("docs", found["target"])).removesuffix(".md")
            pages.append((found["text"], page))
            if page == "docs/compatibility/README":
                more = sorted((ROOT / "docs/compatibility").glob("*.md"))
                names = [one.stem for one in more if one.stem not in {"README", "applications"}]
                pages.extend(("", f"docs/compatibility/{name}") for name in names)
    return "\n\n" + "\n\n".join(trees) + "\n"


def _without_links_outside(name, text):
    """The text, with links to what is in the checkout and not on the site as plain text."""
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif not fence:
            line = _SPAN.sub(lambda found: _link(name, found), line)  # noqa: PLW2901 - its links, one after the other
        lines.append(line)
    return "".join(lines)


def _link(name, found):
    target = found["target"]
    if target is None or target.startswith("#") or re.match(r"[a-z]+:", target):
        return found[0]
    path = normpath(join(dirname(name), target.partition("#")[0]))
    is_page = path.endswith(".md") and (path.startswith("docs/") or path in include_patterns)
    return found[0] if is_page else found["text"]


def _entry(app, error):
    """The site's first page, for whoever opens the folder."""
    if error is None and app.builder.name == "html":
        to = f"{root_doc}.html"
        again = f'<meta http-equiv="refresh" content="0; url={to}">'
        html = f'<!doctype html><title>runtimegate</title>{again}<a href="{to}">runtimegate</a>\n'
        (Path(app.outdir) / "index.html").write_text(html)
