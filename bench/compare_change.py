#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the matching of two dates' objects in plat beside shapely (GEOS):
    python bench/compare_change.py build/release/bin/bench_change [--houses 100000] [--threads 1] [--rounds 3]
bench_change draws the maps and writes them. shapely, vectorised over numpy arrays, builds its STRtree, asks it for the
pairs that intersect and measures their common areas; plat does that and groups, names and counts the changes. They run
in turn; the ratio is taken within a round, of wall seconds on one thread unless told otherwise (shapely has one). Both
count the linked pairs, which must agree."""
import argparse
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import numpy
import shapely


def read(path):
    """The polygons of one date, as bench_change writes them."""
    numbers = numpy.fromfile(path, dtype=numpy.int64)
    count = numbers[0]
    ends = numbers[1:count + 1]
    points = numbers[count + 1:].view(numpy.float64).reshape(-1, 2)
    owner = numpy.repeat(numpy.arange(count), numpy.diff(ends, prepend=0))
    return shapely.polygons(shapely.linearrings(points, indices=owner))


def match(before, after):
    """How many pairs have half of the smaller in common, and the seconds that it takes to know."""
    start = time.perf_counter()
    tree = shapely.STRtree(after)
    first, second = tree.query(before, predicate="intersects")
    common = shapely.area(shapely.intersection(before[first], after[second]))
    smaller = numpy.minimum(shapely.area(before)[first], shapely.area(after)[second])
    linked = int(numpy.count_nonzero(common >= 0.5 * smaller))
    return linked, time.perf_counter() - start


def linked_pairs(text):
    """The same from the changes that bench_change counts: what it divides or joins are two halves."""
    count = {kind: int(number) for kind, number in re.findall(r"^([a-z]+)\s+(\d+)$", text, re.MULTILINE)}
    return count["unchanged"] + count["grown"] + count["shrunk"] + 2 * (count["split"] + count["merged"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the program bench_change")
    parser.add_argument("--houses", type=int, default=100000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            text = subprocess.run([args.bench, str(args.houses), str(args.threads), folder], check=True,
                                  capture_output=True, text=True).stdout
            ours = float(re.search(r"find_changes\s+([\d.]+) s", text).group(1))
            before, after = (read(pathlib.Path(folder) / name) for name in ("before.bin", "after.bin"))
            linked, theirs = match(before, after)
            if linked != linked_pairs(text):
                raise SystemExit(f"plat links {linked_pairs(text)} pairs, shapely {linked}")
            ratios.append(theirs / ours)
            print(f"plat {ours:.3f} s, shapely {shapely.__version__} {theirs:.3f} s ({linked} linked pairs): "
                  f"{ratios[-1]:.1f} times")
    print(f"median {statistics.median(ratios):.1f} times")


if __name__ == "__main__":
    main()
