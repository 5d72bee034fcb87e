"""A statement as WordPress takes it: slug and HTML; pure, private to this folder."""

from __future__ import annotations

import html
import re

_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def slug_of(reference: str) -> str:
    """`FB-1118 (a)` -> `fb-1118-a`.  WordPress leaves such a slug as it is, except that it appends -2 to a taken one.

    A slug of digits only could be taken for a year or a page number, so it gets a word in front.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", reference.lower()).strip("-")
    return slug if re.search("[a-z]", slug) else f"statement-{slug}".rstrip("-")


def escape(text: str) -> str:
    """Text for HTML, with the brackets that WordPress would take for a shortcode."""
    return html.escape(text, quote=False).replace("[", "&#91;").replace("]", "&#93;")


def html_of(text: str) -> str:
    """Paragraphs (at empty lines), line breaks, and web addresses that can be followed."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(f"<p>{_inline(paragraph)}</p>" for paragraph in paragraphs)


def img_of(number: str, address: str, alt: str) -> str:
    """A picture of the media library, as its own editor writes one."""
    src, told = html.escape(address), html.escape(alt).replace("[", "&#91;").replace("]", "&#93;")
    return f'<figure class="wp-block-image"><img src="{src}" alt="{told}" class="wp-image-{number}" /></figure>'


def contains(content: str, reference: str) -> bool:
    """Does this HTML have the reference as a word of its own?"""
    words = html.unescape(re.sub(r"<[^>]*>", " ", content))
    return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", words) is not None


def _inline(paragraph: str) -> str:
    pieces, end = [], 0
    for match in _ADDRESS.finditer(paragraph):
        address = match.group()
        link = f'<a href="{html.escape(address)}">{escape(address)}</a>'
        pieces += [escape(paragraph[end : match.start()]), link]
        end = match.end()
    pieces.append(escape(paragraph[end:]))
    return "".join(pieces).replace("\n", "<br />\n")
