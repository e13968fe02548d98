#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Extracts from a virtual scene that takes no room on disk, and says what that takes:
    python bench/large_scene.py PLAT FOLDER [--side 100000] [--ram 1GB] [--threads 2]
The scene repeats sparse ground of 1000 x 1000 pixels with a few roofs, drawn here, so all of it is known: the number of objects
is checked. `--side` is a multiple of 10000. The threshold model calls bright pixels roofs. Needs nothing but Python."""
import argparse
import json
import pathlib
import random
import resource
import subprocess
import time

GROUND = 1000
TIMES = 10
PIXEL_M = 0.3


def draw_ground(path, roofs, seed):
    """Writes the ground as a PPM; its roofs lie apart and none meets its edges."""
    choose = random.Random(seed)
    grey = bytearray(choose.randrange(30, 60) for _ in range(GROUND * GROUND))
    for i in range(roofs):
        left, top = 100 + i % 4 * 220 + choose.randrange(60), 100 + i // 4 * 220 + choose.randrange(60)
        width, height = choose.randrange(25, 90), choose.randrange(25, 90)
        for row in range(top, top + height):
            grey[row * GROUND + left:row * GROUND + left + width] = bytes([220]) * width
    pixels = bytearray(3 * GROUND * GROUND)
    for band in range(3):
        pixels[band::3] = grey
    path.write_bytes(b"P6 %d %d 255\n" % (GROUND, GROUND) + pixels)


def repeat(path, source, side, times):
    """A virtual raster of times x times copies of a file with sides of so many pixels."""
    text = [f'<VRTDataset rasterXSize="{side * times}" rasterYSize="{side * times}"><SRS>EPSG:32645</SRS>'
            f"<GeoTransform>500000,{PIXEL_M},0,3000000,0,-{PIXEL_M}</GeoTransform>"]
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        text.append(f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp>')
        for i in range(times * times):
            text.append(f'<SimpleSource><SourceFilename relativeToVRT="1">{source}</SourceFilename>'
                        f'<SourceBand>{band}</SourceBand><SourceProperties RasterXSize="{side}" RasterYSize="{side}" '
                        f'DataType="Byte"/><SrcRect xOff="0" yOff="0" xSize="{side}" ySize="{side}"/>'
                        f'<DstRect xOff="{i % times * side}" yOff="{i // times * side}" xSize="{side}" '
                        f'ySize="{side}"/></SimpleSource>')
        text.append("</VRTRasterBand>")
    text.append("</VRTDataset>")
    path.write_text("".join(text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plat")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--side", type=int, default=100_000)
    parser.add_argument("--roofs", type=int, default=6, help="on each square of 1000 pixels, at most 16")
    parser.add_argument("--ram", default="1GB")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder, blocks = arguments.folder, arguments.side // (GROUND * TIMES)
    draw_ground(folder / "ground.ppm", arguments.roofs, 1)
    repeat(folder / "block.vrt", "ground.ppm", GROUND, TIMES)
    repeat(folder / "scene.vrt", "block.vrt", GROUND * TIMES, blocks)
    command = [arguments.plat, "extract", str(folder / "scene.vrt"), "-o", str(folder / "out.fgb"), "--overwrite",
               "--model", "threshold", "--ram", arguments.ram, "-j", str(arguments.threads), "--json"]
    start = time.monotonic()
    plan = json.loads(subprocess.run([*command, "--dry-run", "-q"], check=True, stdout=subprocess.PIPE).stdout)
    print(f"dry run: {time.monotonic() - start:.2f} s, {plan['tiles']} tiles, {plan['estimated_bytes'] / 1e6:.0f} MB")
    start = time.monotonic()
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    expected = arguments.roofs * (blocks * TIMES) ** 2
    print(f"{arguments.side} x {arguments.side} pixels: {seconds:.0f} s, peak {peak / 1e6:.0f} MB of "
          f"{found['estimated_bytes'] / 1e6:.0f} MB planned; {found['objects']} objects of {expected}")
    print(json.dumps({key: value for key, value in found.items() if key.startswith("seconds")}))


if __name__ == "__main__":
    main()
