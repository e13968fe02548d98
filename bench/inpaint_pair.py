#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a pair with known building change of one real scene and its footprints, and writes what `plat demo --pair` writes:
    python bench/inpaint_pair.py SCENE BUILDINGS -o DIR [--window COL,ROW,WIDTH,HEIGHT] [--appear 0.08] [--vanish 0.06]
        [--shift 2.3,-1.4] [--jpeg 90] [--seed 1]
A house that is painted out of the before image has appeared, one that is painted out of the after image has vanished.
OpenCV's inpainting (Telea's) fills the roof and 1.5 m around from the ground, and grain of the surroundings is laid over
it. Only houses that stand free on most sides are taken: in a row no ground is seen from which to fill. Not as in true
pairs: shadows stay where a house is gone, light and season do not change, and no house grows or shrinks. The after image
has other colours, noise and JPEG's losses, and is shifted; all outlines lie where things are in the before image. The
dates are invented. SCENE has three bands of bytes; BUILDINGS is GeoJSON. Needed: opencv-python-headless, numpy, rasterio."""
import argparse
import datetime
import json
import math
import pathlib

import cv2
import numpy as np
import rasterio
import rasterio.warp
from rasterio.windows import Window

WGS84 = "EPSG:4326"
AROUND_M = 1.5  # eaves, and outlines that are a little beside the roof
MOST_BUILT = 0.15  # share of what lies around a house that others may take


def read_rings(path, scene, transform, ground):
    """Exteriors that lie wholly in the window: of each the ring in degrees, its pixels and its area on the ground."""
    layer = json.loads(pathlib.Path(path).read_text())
    crs = layer.get("crs", {}).get("properties", {}).get("name", WGS84)
    for feature in layer["features"]:
        geometry = feature["geometry"] or {"type": "none"}
        kind = geometry["type"]
        parts = geometry["coordinates"] if kind == "MultiPolygon" else [geometry["coordinates"]] if kind == "Polygon" else []
        for rings in parts:
            polygon = {"type": "Polygon", "coordinates": [[point[:2] for point in rings[0]]]}
            placed = {}
            for target in (WGS84, scene.crs, ground):
                placed[target] = np.array(rasterio.warp.transform_geom(crs, target, polygon)["coordinates"][0])
            pixels = np.array([~transform * point for point in placed[scene.crs]])
            x, y = placed[ground].T
            yield placed[WGS84], pixels, abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def mask_of(pixels, shape, around_px=0):
    """Pixels of an outline and of so many around it."""
    mask = np.zeros(shape, np.uint8)
    # Four bits after the point; whole coordinates are centres of pixels there and corners here.
    cv2.fillPoly(mask, [np.round((pixels - 0.5) * 16).astype(np.int32)], 1, shift=4)
    if around_px:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * around_px + 1] * 2))
    return mask


def paint_out(image, count, pixels, around_px, random):
    """Fills an outline from the ground around it, in place; `count` says how many roofs lie on each pixel."""
    reach = 4 * around_px + 8
    low = np.maximum(np.floor(pixels.min(0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(pixels.max(0)).astype(int) + reach, image.shape[1::-1])
    part = np.s_[low[1]:high[1], low[0]:high[0]]
    view = image[part]
    others = cv2.dilate((count[part] > mask_of(pixels - low, view.shape[:2])).astype(np.uint8), np.ones((5, 5))) > 0
    hole = (mask_of(pixels - low, view.shape[:2], around_px) > 0) & ~others
    filled = cv2.inpaint(view, (hole | others).astype(np.uint8), 5, cv2.INPAINT_TELEA).astype(np.float32)
    grain = (view.astype(np.float32) - cv2.GaussianBlur(view, (0, 0), 1.5))[~(hole | others)]
    # Edges of things are no grain.
    grain = grain[np.abs(grain).max(1) <= np.percentile(np.abs(grain).max(1), 80)]
    filled[hole] += grain[random.integers(len(grain), size=hole.sum())]
    view[hole] = np.clip(np.round(filled[hole]), 0, 255).astype(np.uint8)


def seen_later(image, options, random):
    """The same ground through another sensor, shifted."""
    values = 255 * (np.clip(image * [1.06, 1.0, 0.93] + [-3, 2, 6], 0, 255) / 255) ** 1.1
    values += random.normal(0, options.noise, image.shape)
    move = np.array([[1, 0, options.shift[0]], [0, 1, options.shift[1]]], np.float64)
    moved = cv2.warpAffine(values.astype(np.float32), move, image.shape[1::-1], flags=cv2.INTER_LANCZOS4,
                           borderMode=cv2.BORDER_REFLECT_101)
    return np.clip(np.round(moved), 0, 255).astype(np.uint8)


def through_jpeg(image, quality):
    written = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(written, cv2.IMREAD_COLOR)[:, :, ::-1]


def write_image(path, image, scene, transform, taken):
    with rasterio.open(path, "w", driver="GTiff", width=image.shape[1], height=image.shape[0], count=3, dtype="uint8",
                       crs=scene.crs, transform=transform, compress="deflate", tiled=True, photometric="rgb") as out:
        out.update_tags(TIFFTAG_DATETIME=taken.strftime("%Y:%m:%d %H:%M:%S"))
        out.write(np.moveaxis(image, 2, 0))


def write_layer(path, houses, properties):
    features = []
    for house in houses:
        ring = [[round(float(x), 7), round(float(y), 7)] for x, y in house["ring"]]
        features.append({"type": "Feature", "properties": properties(house),
                         "geometry": {"type": "Polygon", "coordinates": [ring]}})
    path.write_text(json.dumps({"type": "FeatureCollection", "name": path.stem, "features": features}))


def numbers(text):
    return [float(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("buildings")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--window", type=numbers, help="COL,ROW,WIDTH,HEIGHT in pixels (default: the whole scene)")
    parser.add_argument("--appear", type=float, default=0.08)
    parser.add_argument("--vanish", type=float, default=0.06)
    parser.add_argument("--shift", type=numbers, default=[2.3, -1.4], help="DX,DY of the after image in pixels")
    parser.add_argument("--noise", type=float, default=2, help="of the after image, in grey values")
    parser.add_argument("--jpeg", type=int, default=90, help="quality of the after image")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)

    with rasterio.open(options.scene) as scene:
        window = Window(*map(int, options.window)) if options.window else Window(0, 0, scene.width, scene.height)
        image = np.ascontiguousarray(np.moveaxis(scene.read([1, 2, 3], window=window), 0, 2))
        transform = scene.window_transform(window)
        middle = rasterio.warp.transform(scene.crs, WGS84, *[[v] for v in transform * (window.width / 2, window.height / 2)])
        ground = f"+proj=laea +lon_0={middle[0][0]} +lat_0={middle[1][0]} +datum=WGS84"
        metres = rasterio.warp.transform(scene.crs, ground, *zip(transform * (0, 0), transform * (1, 0)))
        gsd_m = math.dist(*zip(*metres))
        rings = list(read_rings(options.buildings, scene, transform, ground))

    size = np.array(image.shape[1::-1])
    around_px = max(1, round(AROUND_M / gsd_m))
    count = np.zeros(image.shape[:2], np.int32)
    houses = []
    for ring, pixels, area_m2 in rings:
        if not ((pixels.max(0) > 0) & (pixels.min(0) < size)).all():
            continue
        count += mask_of(pixels, count.shape)
        if ((pixels >= 0) & (pixels <= size)).all() and area_m2 > 8:
            houses.append({"id": len(houses) + 1, "ring": ring, "pixels": pixels, "area": area_m2, "kind": "unchanged"})

    def stands_free(house):
        own = mask_of(house["pixels"], count.shape)
        around = mask_of(house["pixels"], count.shape, around_px) > own
        return (count - own)[around].astype(bool).mean() < MOST_BUILT

    free = [house for house in houses if stands_free(house)]
    random.shuffle(free)
    appear, vanish = (round(share * len(houses)) for share in (options.appear, options.vanish))
    before, after = image.copy(), image.copy()
    for kind, target, chosen in (("appeared", before, free[:appear]), ("vanished", after, free[appear:appear + vanish])):
        for house in chosen:
            house["kind"] = kind
            paint_out(target, count, house["pixels"], around_px, random)
    after = through_jpeg(seen_later(after, options, random), options.jpeg)

    options.output.mkdir(parents=True, exist_ok=True)
    write_image(options.output / "before.tif", before, scene, transform, datetime.datetime(2021, 7, 3, 10, 15))
    write_image(options.output / "after.tif", after, scene, transform, datetime.datetime(2024, 2, 11, 15, 5))

    def footprint(house):
        return {"id": house["id"], "class": "building"}

    def change(house):
        was, is_there = house["kind"] != "appeared", house["kind"] != "vanished"
        return {"kind": house["kind"], "class": "building", "before_id": house["id"] if was else None,
                "after_id": house["id"] if is_there else None, "area_before_m2": house["area"] * was,
                "area_after_m2": house["area"] * is_there, "iou": float(was and is_there)}

    write_layer(options.output / "before.geojson", [h for h in houses if h["kind"] != "appeared"], footprint)
    write_layer(options.output / "after.geojson", [h for h in houses if h["kind"] != "vanished"], footprint)
    write_layer(options.output / "changes.geojson", houses, change)
    kinds = [house["kind"] for house in houses]
    print(", ".join(f"{kinds.count(kind)} {kind}" for kind in ("appeared", "vanished", "unchanged")))


if __name__ == "__main__":
    main()
