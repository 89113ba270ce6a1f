"""Sphinx: `make docs` builds and tests the pages, `make docs-gallery` runs all examples too."""

import os
import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import skdistill  # noqa: E402

project = "skdistill"
author = "The skdistill developers"
copyright = f"2026, {author}"
release = version = skdistill.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "auto_examples/**.ipynb", "auto_examples/**.py"]
templates_path = ["_templates"]
nitpicky = False
default_role = "code"

# --- API ---

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the template lists the methods
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"

# --- doctests: those of the pages and of the docstrings ---

doctest_global_setup = "import warnings; warnings.simplefilter('error', FutureWarning)"

# --- gallery: all examples take minutes, so `make docs` runs those beyond tables alone ---

BEYOND_TABLES = (
    "forest_on_digits",
    "names_in_twenty_languages",
    "tracks_of_storms",
    "what_to_offer",
)
RUNS_ALL = os.environ.get("SKDISTILL_GALLERY") == "1"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$" if RUNS_ALL else rf"/({'|'.join(BEYOND_TABLES)})\.py$",
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "default_thumb_file": str(ROOT / "docs" / "_static" / "thumbnail.png"),
}

# --- looks ---

html_theme = "pydata_sphinx_theme"
html_title = "skdistill"
html_static_path = ["_static"]
html_css_files = ["skdistill.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "skdistill",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: []
    for page in ("index", "quickstart", "how_it_works", "extending", "glossary", "out_of_scope")
}

# --- formulas as MathML: pages need neither MathJax nor a network ---

html_math_renderer = "mathml"


def visit_math(self, node):
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_displaymath(self, node):
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


# --- docstrings inherited from scikit-learn refer to pages of its own documentation ---


def plain_references(app, what, name, obj, options, lines):
    if (getattr(obj, "__module__", None) or "").startswith("skdistill"):
        return
    text = "\n".join(lines)
    text = re.sub(r":ref:`([^`<]+?)\s*<[^`>]+>`", r"\1", text)
    text = re.sub(r":(?:ref|term):`([^`]+)`", r"\1", text)
    lines[:] = text.split("\n")


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.connect("autodoc-process-docstring", plain_references)
