#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well `plat change` tells what changed in drawn towns: by a model, by its outlines alone, and by true footprints.

    bench/drawn_changes.py [--plat ./plat] [--seeds 5] [--size 1024] [--model buildings] [--normalize auto] [--light GAIN,OFFSET]

For each seed `plat demo --pair` draws a town at two dates (another sun, season, colours, noise, a shift), `plat change` compares them and
`plat evaluate --task change` counts. Figures are summed over the seeds. With --light the later image's values are multiplied and raised.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile


def call(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


def relit(image, plat, size, light):
    """A virtual raster beside an image that shows its values as GAIN * value + OFFSET."""
    gain, offset = light.split(",")
    info = json.loads(call(plat, "info", image, "--json"))
    bands = "".join(f"""<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp><ComplexSource>
      <SourceFilename relativeToVRT="1">{image.name}</SourceFilename><SourceBand>{band}</SourceBand>
      <ScaleOffset>{offset}</ScaleOffset><ScaleRatio>{gain}</ScaleRatio></ComplexSource></VRTRasterBand>"""
                    for band, colour in enumerate(("Red", "Green", "Blue"), 1))
    file = image.with_suffix(".vrt")
    file.write_text(f"""<VRTDataset rasterXSize="{size}" rasterYSize="{size}"><SRS>{info["crs"]}</SRS>
      <GeoTransform>{",".join(map(str, info["transform"]))}</GeoTransform>{bands}</VRTDataset>""")
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plat", default="./plat")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--normalize", default="auto", help="none, histogram, irmad or auto")
    parser.add_argument("--light", help="GAIN,OFFSET that the later image's values are given")
    options = parser.parse_args()
    ways = {"model": ["--model", options.model], "outlines alone": ["--model", options.model, "--min-change", "0"],
            "not aligned": ["--model", options.model, "--no-align"], "true footprints": None}
    sums = {way: {"tp": 0, "fp": 0, "fn": 0, "unchanged": 0, "called": 0} for way in ways}
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for seed in range(1, options.seeds + 1):
            pair = folder / str(seed)
            call(options.plat, "demo", "--pair", "--seed", seed, "--size", options.size, "-o", pair, "-q")
            after = pair / "after.tif"
            if options.light:
                after = relit(after, options.plat, options.size, options.light)
            for way, given in ways.items():
                if given is None:
                    given = ["--before-objects", pair / "before.geojson", "--after-objects", pair / "after.geojson"]
                out = pair / "changes.gpkg"
                summary = json.loads(call(options.plat, "change", pair / "before.tif", after, "-o", out, "--overwrite",
                                          "--normalize", options.normalize, "--json", "-q", *given))
                if way == "model":
                    scale = summary["gsd_m"] / summary["before_gsd_m"]
                    found = summary["shift"]
                    worst = max(worst, abs(found["dx_px"] * scale - 2.3), abs(found["dy_px"] * scale + 1.4))
                evaluate = [options.plat, "evaluate", "--task", "change", out, pair / "changes.geojson", "--json", "-q"]
                objects = json.loads(call(*evaluate, "--change-kinds", "appeared,vanished"))["objects"]
                unchanged = json.loads(call(*evaluate))["unchanged"]
                total = sums[way]
                total["tp"] += objects["true_positives"]
                total["fp"] += objects["false_positives"]
                total["fn"] += objects["false_negatives"]
                total["unchanged"] += unchanged["truth"]
                total["called"] += unchanged["called_changed"]
    print(f"{options.seeds} towns of {options.size} pixels; largest error of a measured shift {worst:.2f} pixels")
    print(f"{'':16} {'F1':>6} {'precision':>9} {'recall':>6}   unchanged called changed")
    for way, t in sums.items():
        f1 = 2 * t["tp"] / max(1, 2 * t["tp"] + t["fp"] + t["fn"])
        precision = t["tp"] / max(1, t["tp"] + t["fp"])
        recall = t["tp"] / max(1, t["tp"] + t["fn"])
        print(f"{way:16} {f1:6.3f} {precision:9.3f} {recall:6.3f}   {t['called']} of {t['unchanged']} ({t['called'] / max(1, t['unchanged']):.3f})")


if __name__ == "__main__":
    main()
