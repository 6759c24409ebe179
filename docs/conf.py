"""How the pages become a site: `make site`."""

from maskwright import __version__

project, author, release = "Maskwright", "The Maskwright developers", __version__
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme, html_title = "furo", f"Maskwright {__version__}"
html_static_path: list[str] = []
html_show_sourcelink = html_copy_source = False
html_show_copyright = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
# Pages of the repository itself, outside docs/, and files that are no pages.
suppress_warnings = ["myst.xref_missing"]
