# SPDX-License-Identifier: MIT
"""F1, shortened; tests/fault/kill9.py --cycles 200 is the whole of it."""
import kill9
import pytest


@pytest.mark.parametrize('checkpoint, least', [('100ms', 50), ('10m', 5)])
def test_kills_lose_nothing_and_count_nothing_twice(build_dir, tmp_path, cycles, checkpoint, least):
    report = kill9.run(build_dir, tmp_path, max(cycles, least), 1, checkpoint)
    print(report)
    assert report['kills'] >= least and report['requests_acknowledged'] > 0
