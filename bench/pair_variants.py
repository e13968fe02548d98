#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether `plat change` gives the same changes when the later scene comes in another shape: shifted, rotated, rescaled, re-projected, in 16
bits, re-coloured, re-compressed. Prints object F1 between each answer and that of the pair as it is, with and without alignment.

    bench/pair_variants.py BEFORE AFTER [--plat ./plat] [--model buildings] [--normalize auto]

Needs GDAL's Python bindings and numpy. The scenes are taken to lie on one another; each is read with its first three bands.
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()


def call(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


def written(path, pixels, like, transform=None, kind=gdal.GDT_Byte, options=()):
    bands, rows, cols = pixels.shape
    out = gdal.GetDriverByName("GTiff").Create(str(path), cols, rows, bands, kind, list(options))
    out.SetProjection(like.GetProjection())
    out.SetGeoTransform(transform or like.GetGeoTransform())
    for band in range(bands):
        out.GetRasterBand(band + 1).WriteArray(pixels[band])
    out = None
    return path


def moved(source, path, dx=0.0, dy=0.0, degrees=0.0):
    """The scene's content moved right and down by pixels and turned round its centre, its georeference as it was."""
    gx, px, _, gy, _, py = source.GetGeoTransform()
    cols, rows = source.RasterXSize, source.RasterYSize
    angle = math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    # Pixel of the scene that lies at a pixel of the result: rotated back about the centre, then shifted back.
    x0 = cols / 2 - c * (cols / 2 + dx) - s * (rows / 2 + dy)
    y0 = rows / 2 + s * (cols / 2 + dx) - c * (rows / 2 + dy)
    copy = gdal.GetDriverByName("MEM").CreateCopy("", source)
    inverse = gdal.InvGeoTransform([x0, c, s, y0, -s, c])
    # The content's place in the result's pixel frame, in the world of the result.
    place = [gx + inverse[0] * px, inverse[1] * px, inverse[2] * px, gy + inverse[3] * py, inverse[4] * py, inverse[5] * py]
    copy.SetGeoTransform(place)
    gdal.Warp(str(path), copy, resampleAlg="cubic", outputBounds=(gx, gy + rows * py, gx + cols * px, gy), width=cols, height=rows,
              dstNodata=0)
    return path


def variants(after, folder):
    source = gdal.Translate("", str(after), format="MEM", bandList=[1, 2, 3])
    pixels = source.ReadAsArray()
    for shift in (0.3, 1.0, 2.7, 7.4, 20.0):
        yield f"shifted by {shift}", moved(source, folder / f"shift{shift}.tif", shift, -0.6 * shift)
    yield "rotated by 0.2 degrees", moved(source, folder / "rotated.tif", degrees=0.2)
    gdal.Warp(str(folder / "scaled.tif"), source, xRes=source.GetGeoTransform()[1] / 1.5, yRes=source.GetGeoTransform()[1] / 1.5,
              resampleAlg="cubic")
    yield "rescaled by 1.5", folder / "scaled.tif"
    reference = osr.SpatialReference(wkt=source.GetProjection())
    other = "EPSG:3857" if "UTM" in (reference.GetName() or "") else "EPSG:32633"
    gdal.Warp(str(folder / "projected.tif"), source, dstSRS=other, resampleAlg="cubic", dstNodata=0)
    yield "re-projected to " + other, folder / "projected.tif"
    wide = pixels.astype(numpy.uint16) * 37 + 1200
    yield "16 bits", written(folder / "wide.tif", wide, source, kind=gdal.GDT_UInt16)
    colours = pixels.astype(float) * numpy.array([0.8, 1.1, 0.9])[:, None, None] + numpy.array([20, -5, 10])[:, None, None]
    yield "re-coloured", written(folder / "coloured.tif", numpy.clip(colours, 1, 255).astype(numpy.uint8), source)
    yield "JPEG 60", written(folder / "jpeg.tif", pixels, source, options=["COMPRESS=JPEG", "JPEG_QUALITY=60", "PHOTOMETRIC=YCBCR", "TILED=YES"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--plat", default="./plat")
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--normalize", default="auto", help="none, histogram, irmad or auto")
    options = parser.parse_args()

    def changes(after, out, *more):
        try:
            return json.loads(call(options.plat, "change", options.before, after, "-o", out, "--overwrite", "--json", "-q", "--normalize",
                                   options.normalize, "--model",
                                   options.model, *more))
        except subprocess.CalledProcessError as error:
            print("  ", error.stderr.strip().splitlines()[-1][:150])
            return None

    # What the largest shift moves out of the scene is not compared.
    margin = 32
    scene = gdal.Open(options.before)
    west, dx, _, north, _, dy = scene.GetGeoTransform()
    inner = [west + margin * dx, north + (scene.RasterYSize - margin) * dy, west + (scene.RasterXSize - margin) * dx, north + margin * dy]

    def f1(out, reference):
        return json.loads(call(options.plat, "evaluate", "--task", "change", out, reference, "--bbox", ",".join(map(str, inner)), "--bbox-crs",
                               scene.GetProjection(), "--json", "-q"))["objects"]["f1"]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        reference = folder / "reference.gpkg"
        first = changes(options.after, reference)
        shift = first["shift"]
        print(f"as it is: {sum(first['kinds'][k]['count'] for k in ('appeared', 'vanished', 'grown', 'shrunk'))} changes; shift "
              f"{shift['dx_px']}, {shift['dy_px']}")
        print(f"{'later scene':28} {'F1 aligned':>10} {'as it lies':>10}   shift beyond the pair's own")
        for name, path in variants(options.after, folder):
            out = folder / "out.gpkg"
            summary = changes(path, out)
            if summary is None:
                continue
            aligned = f1(out, reference)
            found = summary["shift"]
            if changes(path, out, "--no-align") is None:
                continue
            print(f"{name:28} {aligned:10.3f} {f1(out, reference):10.3f}   {found['dx_px'] - shift['dx_px']:.2f}, "
                  f"{found['dy_px'] - shift['dy_px']:.2f} pixels ({found['kind']})")


if __name__ == "__main__":
    main()
