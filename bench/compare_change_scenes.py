#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the comparison of two large scenes in plat beside NumPy, OpenCV, rasterio (GDAL) and shapely (GEOS):
    python bench/compare_change_scenes.py draw FOLDER [--size 10000] [--seed 1]
    python bench/compare_change_scenes.py run BENCH_CHANGE_SCENES FOLDER [--threads 1 2] [--rounds 1] [--ram 1GB]
`draw` draws before.tif, after.tif and what changed, truth.geojson: roofs turned anyhow on textured ground, of which 3 % appear,
3 % vanish and 3 % are extended; the later image is shifted by part of a pixel and has another light and noise. `run` has both
programs find the changes in turn, each as a process of its own; both call pixels roofs by the same threshold. Seconds are
wall seconds, CPU seconds those of all threads, and a change is found where the outlines share half of their union.

The peer (the mode `peer`) is what one writes with these libraries: whole-scene arrays, shift by phase correlation of blocks,
one warp, light by a fit to a sample, connected components, polygons by GDAL, matching by an STRtree, a GeoPackage."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import sys
import time

import cv2
import numpy as np
import pyogrio
import rasterio
import rasterio.features
import shapely

SHIFT = (2.3, -1.4)  # of the later image, in pixels
LIGHT = ((1.15, -8.0), (0.90, 12.0), (1.05, 5.0))  # its gain and offset, by band
CELL = 40.8  # pixels from roof to roof, about 60,000 in 10,000 x 10,000
PIXEL_M = 0.3
LEVEL = 145  # mean value from which a pixel is a roof
SMALLEST_PX = 45
LEAST_CHANGE = 0.25
CRS = "EPSG:32645"
TRANSFORM = rasterio.Affine(PIXEL_M, 0, 330000, 0, -PIXEL_M, 3060000)


# Drawing

def roofs(size, random):
    """Corners of each roof at both dates, n x 4 x 2 in pixels, its brightness and what becomes of it."""
    across = int(size // CELL)
    count = across * across
    cell = np.stack(np.divmod(np.arange(count), across)[::-1], axis=1)
    centre = (cell + 0.5) * CELL + random.uniform(-2, 2, (count, 2))
    half = np.stack([random.uniform(5, 11, count), random.uniform(5, 7, count)], axis=1)
    kind = random.choice(["appeared", "vanished", "grown", "unchanged"], count, p=[0.03, 0.03, 0.03, 0.91])
    angle = random.uniform(0, np.pi, count)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half[:, None]
    longer = corner.copy()
    longer[:, 2:, 1] += half[:, 1, None]  # half as long again
    grown = np.where((kind == "grown")[:, None, None], longer, corner)
    place = [np.einsum("nij,nkj->nki", turn, c) + centre[:, None] for c in (corner, grown)]
    return place, random.uniform(165, 240, (count, 1)) + random.uniform(-6, 6, (count, 3)), kind


class Texture:
    """Ground that repeats after a period, moved by any part of a pixel without loss."""

    def __init__(self, period, deviation, random, shift):
        frequency = np.hypot(np.fft.fftfreq(period)[:, None], np.fft.rfftfreq(period))
        spectrum = np.fft.rfft2(random.standard_normal((period, period)))
        spectrum *= np.exp(-(frequency / 0.15) ** 2) / np.maximum(frequency, 1 / 200)
        spectrum[0, 0] = 0
        moved = np.exp(-2j * np.pi * (np.fft.fftfreq(period)[:, None] * shift[1] + np.fft.rfftfreq(period) * shift[0]))
        image = np.fft.irfft2(spectrum, (period, period))
        self.image = (np.fft.irfft2(spectrum * moved, (period, period)) * deviation / image.std()).astype(np.float32)

    def rows(self, first, end, width):
        period = len(self.image)
        strip = self.image[np.arange(first, end) % period]
        return np.tile(strip, (1, -(-width // period)))[:, :width]


def draw_image(path, size, place, brightness, seed, shift, light):
    """One date's image, strip by strip."""
    textures = [Texture(period, 9, np.random.default_rng(seed + period), shift) for period in (1024, 1333)]
    noise = np.random.default_rng([seed, len(light), int(10 * shift[0])])
    place = place + np.asarray(shift)
    top, bottom = place[..., 1].min(axis=1), place[..., 1].max(axis=1)
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint8", "crs": CRS,
               "transform": TRANSFORM, "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate",
               "zlevel": 1, "photometric": "rgb", "num_threads": 2}
    with rasterio.open(path, "w", **profile) as file:
        for first in range(0, size, 256):
            end = min(first + 256, size)
            coarse, fine = (t.rows(first, end, size) for t in textures)
            here = np.flatnonzero((bottom >= first - 1) & (top <= end))
            # OpenCV counts from pixels' centres and takes sixteenths of a pixel.
            corners = np.round((place[here] - (0.5, first + 0.5)) * 16).astype(np.int32)
            for band, (gain, offset) in enumerate(light):
                values = 88 + coarse + (0.5, 1.0, 1.5)[band] * fine
                for ring, value in zip(corners, brightness[here, band]):
                    cv2.fillPoly(values, [ring], float(value), cv2.LINE_8, 4)
                values = cv2.GaussianBlur(values, (3, 3), 0.5)
                values += 3 * noise.standard_normal(values.shape, dtype=np.float32)
                file.write(np.clip(values * gain + offset + 0.5, 0, 255).astype(np.uint8), band + 1,
                           window=rasterio.windows.Window(0, first, size, end - first))


def draw(args):
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (before, after), brightness, kind = roofs(args.size, np.random.default_rng(args.seed))
    there = kind != "appeared"
    draw_image(folder / "before.tif", args.size, before[there], brightness[there], args.seed, (0, 0), ((1, 0),) * 3)
    there = kind != "vanished"
    draw_image(folder / "after.tif", args.size, after[there], brightness[there], args.seed, SHIFT, LIGHT)
    world = np.stack(TRANSFORM * np.moveaxis(np.concatenate([after, after[:, :1]], axis=1), 2, 0), axis=-1)
    write(folder / "truth.geojson", shapely.polygons(world), kind)
    print({str(k): int(n) for k, n in zip(*np.unique(kind, return_counts=True))})


def write(path, polygons, kind, **more):
    fields = {"kind": kind.astype(object), **more}
    pyogrio.raw.write(path, shapely.to_wkb(polygons), list(fields.values()), list(fields), crs=CRS,
                      geometry_type="Polygon")


# The peer

def read(path, threads):
    with rasterio.open(path, num_threads=threads) as file:
        return file.read()


def measure_shift(before, after, side=512, blocks=5):
    """The later image's shift, the median of those of blocks spread over the scene."""
    window = cv2.createHanningWindow((side, side), cv2.CV_32F)
    found = []
    for row in np.linspace(0, before.shape[1] - side, blocks, dtype=int):
        for col in np.linspace(0, before.shape[2] - side, blocks, dtype=int):
            pair = [image[:, row:row + side, col:col + side].mean(axis=0, dtype=np.float32)
                    for image in (before, after)]
            found.append(cv2.phaseCorrelate(*pair, window)[0])
    return np.median(found, axis=0)


def unwarped(band, shift):
    move = np.float32([[1, 0, shift[0]], [0, 1, shift[1]]])
    return cv2.warpAffine(band, move, band.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REPLICATE)


def fit_light(before, after, step=20):
    """Gain and offset that make a later band the earlier one, fitted twice: the second time to what the first fits well."""
    x, y = after[::step, ::step].ravel().astype(float), before[::step, ::step].ravel().astype(float)
    line = np.polyfit(x, y, 1)
    off = np.abs(np.polyval(line, x) - y)
    return np.polyfit(x[off < 2 * np.median(off) + 1], y[off < 2 * np.median(off) + 1], 1)


def find_objects(mean):
    """Outlines of what is bright, in pixels, simplified."""
    mask = (mean > LEVEL).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST_PX
    large[0] = False
    shapes = [shapely.geometry.shape(s) for s, _ in rasterio.features.shapes(labels, mask=large[labels])]
    return shapely.simplify(np.array(shapes), 1.25)


def match(before, after):
    """The outline and the kind of each change."""
    tree = shapely.STRtree(after)
    first, second = tree.query(before, predicate="intersects")
    common = shapely.area(shapely.intersection(before[first], after[second]))
    area_before, area_after = shapely.area(before), shapely.area(after)
    linked = common >= 0.5 * np.minimum(area_before[first], area_after[second])
    first, second = first[linked], second[linked]
    ratio = area_after[second] / area_before[first]
    pair_kind = np.select([ratio > 1 + LEAST_CHANGE, ratio < 1 / (1 + LEAST_CHANGE)], ["grown", "shrunk"], "unchanged")
    gone, new = np.setdiff1d(np.arange(len(before)), first), np.setdiff1d(np.arange(len(after)), second)
    return (np.concatenate([after[second], after[new], before[gone]]),
            np.concatenate([pair_kind, np.full(len(new), "appeared"), np.full(len(gone), "vanished")]))


def peer(args):
    cv2.setNumThreads(args.threads)
    started = time.perf_counter()

    def tell(part):
        nonlocal started
        now = time.perf_counter()
        print(f"{part:22} {now - started:9.2f} s")
        started = now

    with concurrent.futures.ThreadPoolExecutor(args.threads) as pool:
        before, after = pool.map(lambda path: read(path, args.threads), (args.before, args.after))
        tell("read")
        shift = measure_shift(before, after)
        tell("shift")
        after = np.stack([unwarped(band, shift) for band in after])
        tell("warp")
        lines = [fit_light(*pair) for pair in zip(before, after)]
        mean_before = cv2.transform(cv2.merge(list(before)), np.full((1, 3), 1 / 3))
        weights = np.array([[*(gain / 3 for gain, _ in lines), sum(offset for _, offset in lines) / 3]])
        mean_after = cv2.transform(cv2.merge(list(after)), weights)
        del before, after
        tell("light and mean")
        objects = list(pool.map(find_objects, (mean_before, mean_after)))
        tell("objects")
    outline, kind = match(*objects)
    tell("match")
    world = shapely.transform(outline, lambda p: np.stack(TRANSFORM * p.T, axis=1))
    write(args.output, world, kind, area_m2=shapely.area(world))
    tell("write")
    print(f"shift {shift[0]:.3f} {shift[1]:.3f}, {len(objects[0])} and {len(objects[1])} objects")


# The comparison

def measured(command, log):
    """Wall seconds, CPU seconds and peak MB of a process; what it prints goes to a file."""
    start = time.perf_counter()
    to_log = [(os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=to_log)
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def agreement(path, truth):
    """Precision and recall of what appeared and vanished."""
    kept = []
    for file in (path, truth):
        layer = {"layer": "changes"} if file == path and len(pyogrio.list_layers(file)) > 1 else {}
        meta, _, outlines, (kind,) = pyogrio.raw.read(file, columns=["kind"], **layer)
        kept.append({k: shapely.from_wkb(outlines[kind == k]) for k in ("appeared", "vanished")})
    hits = 0
    for kind, found in kept[0].items():
        drawn = kept[1][kind]
        first, second = shapely.STRtree(drawn).query(found, predicate="intersects")
        common = shapely.area(shapely.intersection(found[first], drawn[second]))
        union = shapely.area(found[first]) + shapely.area(drawn[second]) - common
        hits += len(np.unique(second[common >= 0.5 * union]))
    return tuple(hits / max(1, sum(map(len, side.values()))) for side in kept)


def run(args):
    folder = pathlib.Path(args.folder)
    before, after, truth = folder / "before.tif", folder / "after.tif", folder / "truth.geojson"
    print("             threads  seconds  CPU seconds  peak MB  precision  recall")
    for threads in args.threads:
        ratios = []
        for _ in range(args.rounds):
            taken = {}
            for name, program in (("plat", [args.bench]), ("peer", [sys.executable, __file__, "peer"])):
                out, log = folder / f"{name}.gpkg", folder / f"{name}.txt"
                out.unlink(missing_ok=True)
                more = ["--ram", args.ram] if name == "plat" else []
                command = [*program, str(before), str(after), str(out), "--threads", str(threads), *more]
                wall, cpu, peak = measured(command, str(log))
                taken[name] = wall
                precision, recall = agreement(out, truth)
                print(f"{name:12} {threads:7} {wall:8.1f} {cpu:12.1f} {peak:8.0f} {precision:10.4f} {recall:7.4f}")
                if args.parts:
                    print(re.sub("^", "    ", log.read_text(), flags=re.MULTILINE))
            ratios.append(taken["peer"] / taken["plat"])
        print(f"median ratio of seconds, peer to plat: {statistics.median(ratios):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True)
    mode = modes.add_parser("draw")
    mode.add_argument("folder")
    mode.add_argument("--size", type=int, default=10000)
    mode.add_argument("--seed", type=int, default=1)
    mode.set_defaults(mode=draw)
    mode = modes.add_parser("peer")
    for name in ("before", "after", "output"):
        mode.add_argument(name)
    mode.add_argument("--threads", type=int, default=1)
    mode.set_defaults(mode=peer)
    mode = modes.add_parser("run")
    mode.add_argument("bench", help="the program bench_change_scenes")
    mode.add_argument("folder", help="where the scenes are drawn")
    mode.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    mode.add_argument("--rounds", type=int, default=1)
    mode.add_argument("--ram", default="1GB")
    mode.add_argument("--parts", action="store_true", help="print what both print")
    mode.set_defaults(mode=run)
    args = parser.parse_args()
    args.mode(args)


if __name__ == "__main__":
    main()
