"""How Sphinx builds the site: `nox -s docs`."""

project = "mechshare"
author = "The mechshare authors"
copyright = "the mechshare authors"
html_title = "mechshare"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_extra_path = ["openapi.json"]
html_show_sphinx = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
"""Headings down to this level can be linked to, as in `upgrade.md#stop`."""
