"""The documentation site: `make docs` builds it from these pages, without a network.

Pages are plain Markdown that reads well where it lies, so nothing here may be needed to read them.
Links to files outside of this folder are kept as links to the files of the source package; those to
notebooks lead to what `make notebooks` made of them, in the folder `notebooks` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))

from probe import __version__

project = "gatewatch"
author = "the gatewatch engineers"
project_copyright = author
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"

add_module_names = False
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True

html_theme = "furo"
pygments_dark_style = "github-dark"  # the theme's own underlines names like links
html_title = f"gatewatch {version}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def setup(app: Sphinx) -> None:
    app.connect("source-read", link_to_executed_notebooks)


def link_to_executed_notebooks(_app: Sphinx, _page: str, text: list[str]) -> None:
    """Lead links from a page's top folder to the notebooks as they came out."""
    text[0] = text[0].replace("](../notebooks/", "](notebooks/")
