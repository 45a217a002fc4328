# SPDX-License-Identifier: MIT
"""F1, shortened; tests/fault/kill9.py --cycles 200 is the whole of it."""
import kill9
import pytest


@pytest.mark.parametrize('checkpoint', ['100ms', '10m'])
def test_kills_lose_nothing_and_count_nothing_twice(build_dir, tmp_path, cycles, checkpoint):
    report = kill9.run(build_dir, tmp_path, max(cycles, 5), 1, checkpoint)
    print(report)
    assert report['kills'] >= 5 and report['requests_acknowledged'] > 0
