"""Puts the output of its own Python blocks into the documentation's page about notebooks.

    python assets/python/notebook_page.py [--check]

A block ```python runs; the block ``` behind it, where there is one, is its output. `--check` says whether the page is as it would be
written. Runs the built program (`--program`, by default .build/release/vocoscope); needs NumPy, safetensors, torch, bertviz and circuitsvis.
"""

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(ROOT, "Sources/vocoscope/Documentation.docc/Notebooks.md")
BLOCK = re.compile(r"```(sh|python)\n(.*?)```\n(\n```\n(.*?)```\n)?", re.S)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--program", default=os.path.join(ROOT, ".build/release/vocoscope"))
    options = parser.parse_args()
    sys.path.insert(0, HERE)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(os.path.join(ROOT, "assets"), os.path.join(scratch, "assets"))
        os.chdir(scratch)
        names = {}
        written = BLOCK.sub(lambda match: _block(match, names, program), page)
    if options.check:
        sys.exit(0 if written == page else "the page's output is not what its blocks print")
    with open(PAGE + ".partial", "w", encoding="utf-8") as file:
        file.write(written)
    os.replace(PAGE + ".partial", PAGE)


def _block(match, names, program):
    kind, source, had_output = match[1], match[2], match[3]
    output = _shell(source, program) if kind == "sh" else _python(source, names)
    shown = f"\n```\n{output}```\n" if had_output else ""
    return f"```{kind}\n{source}```\n{shown}"


def _shell(source, program):
    command = source.replace("vocoscope ", f"'{program}' ")
    return subprocess.run(["sh", "-ec", command], check=True, stdout=subprocess.PIPE, text=True).stdout


def _python(source, names):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, PAGE, "exec"), names)
    return printed.getvalue()


if __name__ == "__main__":
    main()
