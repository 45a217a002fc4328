#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts tests: meson's log (.json, a test a line, TAP inside) and pytest's (.xml, JUnit).

Prints "passed failed skipped". A test that died without saying `not ok` is one failure; a file that
is missing or does not parse counts nothing: the caller has the exit code.
"""
import json
import re
import sys
import xml.etree.ElementTree

TAP = re.compile(r'^(not )?ok\b(.*)', re.M)


def count_meson(path):
    passed = failed = skipped = 0
    with open(path) as lines:
        for line in lines:
            test = json.loads(line)
            ok = bad = skip = 0
            for negative, rest in TAP.findall(test.get('stdout') or ''):
                if re.search(r'#\s*(skip|todo)\b', rest, re.I):
                    skip += 1
                elif negative:
                    bad += 1
                else:
                    ok += 1
            result = test.get('result', 'ERROR')
            if result == 'SKIP':
                skip = skip or 1
            elif result not in ('OK', 'EXPECTEDFAIL'):
                bad = bad or 1
            elif not ok and not skip:
                ok = 1
            passed, failed, skipped = passed + ok, failed + bad, skipped + skip
    return passed, failed, skipped


def count_junit(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter('testcase'):
        outcomes = {child.tag for child in case}
        if outcomes & {'failure', 'error'}:
            failed += 1
        elif 'skipped' in outcomes:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        try:
            counts = count_meson(path) if path.endswith('.json') else count_junit(path)
        except (OSError, ValueError, xml.etree.ElementTree.ParseError):
            continue
        total = [a + b for a, b in zip(total, counts)]
    print(*total)


if __name__ == '__main__':
    main()
