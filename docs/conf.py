"""Sphinx settings; build with `sphinx-build -W -b html docs docs/_build`."""

from neurograph._version import __version__

project = "NeuroGraph DB"
author = "The NeuroGraph DB maintainers"
project_copyright = author
release = version = __version__

extensions = [
    "myst_parser",  # pages are Markdown, readable without a build
    "sphinx.ext.autodoc",  # the API pages are the docstrings
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",  # NumPy sections
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"NeuroGraph DB {release}"

myst_heading_anchors = 4  # links such as errors.md#misuse
myst_enable_extensions = ["deflist"]

autosummary_generate = True
autodoc_typehints = "description"  # types stand in the signature of the source and nowhere else
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_use_rtype = False
add_module_names = False
