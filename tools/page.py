"""Pages for people: one file that loads nothing, so that nobody else learns who looked at it."""

from typing import Final

_HEAD: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 sans-serif; margin: 1.5em; color: #222; background: #fff }}
ul {{ display: flex; flex-wrap: wrap; gap: 1em; padding: 0; list-style: none }}
img {{ width: 100%; display: block }}
{style}
</style>
</head>
<body>
"""


def page(title: str, style: str, body: str) -> bytes:
    """The page, as UTF-8. `style`: what goes beyond or against the rules of all pages. Nothing is escaped here."""
    return f"{_HEAD.format(title=title, style=style.strip())}{body}</body>\n</html>\n".encode()
