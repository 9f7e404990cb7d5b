"""What mkdocs does to the pages of docs/ when it builds the site: the reference of the command line, and notebooks.

A page says `<!-- commands -->` where the reference belongs. A viewer of the repository shows nothing there.
A notebook `NAME.ipynb` becomes the page `NAME.md` with the outputs that are stored in it.
"""

import base64
import inspect
import json
import re
import textwrap
from typing import Any

import click
import cloup
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from enformer_vep.cli import cli
from enformer_vep.commands.console import PROGRAM

MARKER = "<!-- commands -->"

_OUTSIDE = re.compile(r"\[([^\]\n]+)\]\(\.\./([^)\n]+)\)")
"""A link to a file of the repository outside docs/."""

_NOTEBOOK = re.compile(r"\]\((\w+)\.ipynb\)")
"""A link to a notebook beside the page."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds a page and its pictures for every notebook."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        name = notebook.src_uri.removesuffix(".ipynb")
        page, pictures = notebook_page(json.loads(notebook.content_string), name)
        files.append(File.generated(config, f"{name}.md", content=page))
        for path, content in pictures.items():
            files.append(File.generated(config, path, content=content))
    return files


def notebook_page(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """Returns a notebook as Markdown, and its pictures by their paths."""
    parts, pictures = [], {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                path = f"{name}_{len(pictures) + 1}.png"
                pictures[path] = base64.b64decode("".join(data["image/png"]))
                parts.append(f"![A figure that the notebook draws]({path})")
            else:
                parts.append(f"```text\n{''.join(data['text/plain']).rstrip()}\n```")
    parts.append(f"[The notebook itself]({name}.ipynb) can be run.")
    return "\n\n".join(parts), pictures


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Puts the reference of all commands into the page that asks for it, and names files that the site has not."""
    markdown = _OUTSIDE.sub(_name_outside, markdown)
    if page.file.generated_by is None:  # a notebook's own page links to the notebook, others to that page
        markdown = _NOTEBOOK.sub(r"](\1.md)", markdown)
    return markdown.replace(MARKER, command_reference()) if MARKER in markdown else markdown


def _name_outside(link: re.Match[str]) -> str:
    text, path = link.groups()
    return f"`{path}`" if text == path else f"{text} (`{path}` in the repository)"


def command_reference() -> str:
    """Returns the reference of every command, as Markdown."""
    parent = click.Context(cli, info_name=PROGRAM)
    return "\n\n".join(_command(name, command, parent) for name, command in cli.commands.items())


def _command(name: str, command: click.Command, parent: click.Context) -> str:
    assert isinstance(command, cloup.Command)
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([PROGRAM, name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", f"```text\n{usage}\n```", inspect.cleandoc(command.help or "")]
    arguments = [
        (argument.make_metavar(context), getattr(argument, "help", "") or "")
        for argument in command.params
        if isinstance(argument, click.Argument)
    ]
    if any(text for _, text in arguments):
        parts.append(_table("Argument", arguments))
    for group in command.option_groups:
        records = [option.get_help_record(context) for option in group.options if not option.hidden]
        parts += [f"### {group.title} {{ #{name}-{_anchor(group.title)} }}", _table("Option", filter(None, records))]
    if command.epilog:
        lines = command.epilog.replace("\b", "").strip().splitlines()
        parts += [lines[0].strip(), f"```sh\n{textwrap.dedent(chr(10).join(lines[1:])).strip()}\n```"]
    return "\n\n".join(parts)


def _anchor(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower())


def _table(kind: str, rows: Any) -> str:
    lines = [f"| {kind} | |", "|---|---|"]
    lines += [f"| <code>{_cell(name)}</code> | {_cell(text)} |" for name, text in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Keeps letters that mean something to Markdown or HTML as they are."""
    text = " ".join(text.split()).replace("&", "&amp;")
    for letter in "\\`*_<[]|":
        text = text.replace(letter, f"&#{ord(letter)};")
    return text
