"""Markdown to sections, with its front matter."""

from dataclasses import replace

import frontmatter
from markdown_it import MarkdownIt

from ingestion.document import ParsedFile
from ingestion.encoding import decode_text
from ingestion.html_parser import parse_html

# Rendering keeps no state between texts.
_RENDERER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def parse_markdown_file(content: bytes, max_nesting: int) -> ParsedFile:
    """Sections of a Markdown file. Raw HTML in it is read as HTML.

    Title and source type come from its front matter; a title may also be its first heading.
    Errors: yaml.YAMLError for front matter that is no YAML.
    """
    post = frontmatter.loads(decode_text(content))
    parsed = parse_html(_RENDERER.render(post.content), max_nesting)
    title = post.metadata.get("title") or parsed.title
    source_type = post.metadata.get("source_type") or ""
    return replace(parsed, title=str(title), source_type=str(source_type))
