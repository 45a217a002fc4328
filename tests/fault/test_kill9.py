# SPDX-License-Identifier: MIT
"""F1, shortened; tests/fault/kill9.py --cycles 200 is the whole of it."""
import kill9


def test_kills_lose_nothing_and_count_nothing_twice(build_dir, tmp_path, cycles):
    report = kill9.run(build_dir, tmp_path, max(cycles, 5), seed=1)
    print(report)
    assert report['kills'] >= 5 and report['requests_acknowledged'] > 0
