"""The first view counts what a browser loads at once."""

from bench.waits import Links

PAGE = """
<link rel="stylesheet" href="/static/site.css"><link rel="alternate" href="/feed.atom">
<script src="/static/site.js"></script><script>inline()</script>
<img src="/media/a.webp"><img src="/media/b.webp" loading="lazy"><img src="data:image/gif;base64,R0lGOD">
"""


def test_styles_scripts_and_pictures_in_view_are_loaded_at_once():
    links = Links()
    links.feed(PAGE)

    assert links.found == ["/static/site.css", "/static/site.js", "/media/a.webp"]
