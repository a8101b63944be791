"""The site: Sphinx reads Markdown (MyST), notebooks (jupytext) and docstrings. `make docs` builds it, without a network."""

import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from rntk.version import __version__  # noqa: E402

project, author = "rntk", "The RNTK study authors"
version = release = __version__
html_show_copyright = False
html_last_updated_fmt = None  # no dates: the same sources give the same pages

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "rendering"]
exclude_patterns = ["figures", "conf.py", "rendering.py"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # links to headings, as GitHub has them
smartquotes = False  # quotation marks are most often of strings
default_role = "code"  # what docstrings have in `single` backticks

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # a docstring says what a parameter is
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_admonition_for_examples = False

# Notebooks are Python files, run at every build; one that fails stops it. Their processes read this checkout, and none of a user's
# settings: they tell of nothing but what goes wrong (that they talk over ports of this machine is no fault), and show what is printed
# or drawn alone.
logging.getLogger("traitlets").setLevel(logging.WARNING)
settings = TemporaryDirectory()
profile = Path(settings.name, "profile_default")
profile.mkdir()
(profile / "ipython_kernel_config.py").write_text(
    "c.IPKernelApp.log_level = 'ERROR'\nc.InteractiveShell.ast_node_interactivity = 'none'\n"
)
os.environ |= {"PYTHONPATH": str(HERE.parent), "IPYTHONDIR": settings.name}
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

html_title = "rntk"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_search_summary = False  # it is fetched, which a page that is opened as a file may not
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5fa8", "color-brand-content": "#1f5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7fb2ea", "color-brand-content": "#7fb2ea"},
}
