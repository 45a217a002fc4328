#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns numbered .sql files into a C table of strings, for one dialect.

Usage: embed.py DIALECT OUTPUT INPUT...

A line that ends in `-- only DIALECT` is kept in that dialect alone, so that one file serves both;
everything else is written so that SQLite and PostgreSQL read it alike. Comments and empty lines are
left out. Files are numbered NNNN_name.sql from 0001 without gaps.
"""
import pathlib
import re
import sys


def lines_of(text, dialect):
    for line in text.splitlines():
        only = re.search(r'--\s*only\s+(\w+)\s*$', line)
        if only and only.group(1) != dialect:
            continue
        line = re.sub(r'\s*--.*$', '', line).rstrip()
        if line:
            yield line


def literal(line):
    return '\t\t"' + line.replace('\\', '\\\\').replace('"', '\\"').replace('\t', ' ') + '\\n"'


def main(dialect, output, inputs):
    rows = []
    for number, path in enumerate(sorted(map(pathlib.Path, inputs), key=lambda p: p.name), 1):
        match = re.fullmatch(r'(\d{4})_([a-z0-9_]+)\.sql', path.name)
        if not match or int(match.group(1)) != number:
            sys.exit(f'{path}: expected a name like {number:04d}_what_it_does.sql')
        body = '\n'.join(map(literal, lines_of(path.read_text('utf-8'), dialect)))
        rows.append(f'\t{{ {number}, "{match.group(2)}",\n{body or chr(34) * 2} }},\n')
    pathlib.Path(output).write_text(
        '// SPDX-License-Identifier: MIT\n/* Made by embed.py from migrations/. */\n\n'
        '#include "store/migrate.h"\n\n'
        f'const struct ls_migration ls_migrations_{dialect}[] = {{\n{"".join(rows)}}};\n'
        f'const size_t ls_migrations_{dialect}_count = {len(rows)};\n', 'utf-8')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
