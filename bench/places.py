#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well a model finds buildings in each place of a folder of imagery and labels, and how many it invents where there are none.

    bench/places.py DATA [--plat ./plat] [--model buildings] [--only rio,paris] [--given "--threshold 0.4"] [--json FILE]
    bench/places.py DATA --leave-out rio -o RUN [-- OPTIONS OF PLAT TRAIN]

DATA holds buildings/ with banepa, oam_sites, spacenet_rio, spacenet_chips and spacenet_atlanta, and change/ and fields/ for ground without
buildings. Objects are matched as SpaceNet does (IoU 0.5), image by image, and summed over a place; 95 % intervals are of draws of images,
or, where a place has one, of blocks of 128 m; two images are too few for either. With --leave-out a model is trained on all places but those (and what borders on them), with
plat train's options behind `--`, then measured: what it does in a town that it has never seen.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

# The easternmost column of Banepa is kept out by all that train on the rest.
BANEPA_COLUMN = "9520231.8729,3202320,9520320,3202950"


class Image:
    def __init__(self, scene, truth, *options, area=None):
        self.scene, self.truth, self.options, self.area = scene, truth, list(options), area


def places(data):
    """Each place's images; names of the paths that training on other places must leave out."""
    b = data / "buildings"
    oam = b / "oam_sites"
    chips = b / "spacenet_chips"
    png = ["--gsd", "0.3"]

    def site(name):
        return [Image(oam / f"{name}_{i}.tif", oam / f"{name}_{i}.geojson") for i in (0, 1)]

    def chip(name):
        return [Image(chips / f"sn2_{name}.png", chips / f"sn2_{name}_mask.png", *png)]

    rio = sorted((b / "spacenet_rio").glob("3band_*_mask.tif"))
    return {
        "banepa": ([Image(b / "banepa/banepa_train_mosaic_3857_cog.tif", b / "banepa/banepa_buildings.geojson",
                          area=BANEPA_COLUMN)], [b / "banepa", *oam.glob("banepa_west*")]),
        "nairobi": (site("nairobi_ke"), sorted(oam.glob("nairobi*"))),
        "catanduanes": (site("catanduanes_ph"), sorted(oam.glob("catanduanes*"))),
        "zanzibar": (site("zanzibar_tz"), sorted(oam.glob("zanzibar*"))),
        "rio": ([Image(m.with_name(m.name.replace("_mask", "")), m) for m in rio], [b / "spacenet_rio"]),
        "paris": (chip("AOI_3_Paris_img418"), sorted(chips.glob("*Paris*"))),
        "shanghai": (chip("AOI_4_Shanghai_img945"), sorted(chips.glob("*Shanghai*"))),
        "khartoum": (chip("AOI_5_Khartoum_img5"), sorted(chips.glob("*Khartoum*"))),
        "atlanta": ([Image(b / "spacenet_atlanta/sample_geotiff.tif", b / "spacenet_atlanta/geotiff_labels.geojson")],
                    [b / "spacenet_atlanta"]),
    }


def empty_ground(options, data):
    """A square kilometre each of imagery without buildings, as (name, scene, options): prairie with ponds, fields with trees."""
    for scene in sorted((data / "change/naip_prairie_nd/images").glob("*.tif"))[:4:2]:
        info = json.loads(call(options.plat, "info", scene, "--json"))
        left, across, _, top, _, down = info["transform"]
        x, y = left + across * info["width"] / 2, top + down * info["height"] / 2
        yield scene.stem, scene, ["--bbox", f"{x - 500},{y - 500},{x + 500},{y + 500}"]
    yield "fields", data / "fields/naip_agoro/geotiff_1m/naip_40.055827_m92.273265.tif", []


def call(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(a) for a in arguments)}\n{done.stderr}")
    return done.stdout


def measure(image, options, folder):
    out = folder / "found.gpkg"
    part = ["--bbox", image.area, "--bbox-crs", "EPSG:3857"] if image.area else []
    area = part or ["--scene", image.scene]
    call(options.plat, "extract", image.scene, "-o", out, "--overwrite", "--model", options.model, "-q", *part, *image.options,
         *options.given.split())
    return json.loads(call(options.plat, "evaluate", out, image.truth, *area, "--json", "-q"))


def rates(tp, fp, fn):
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    return precision, recall, 2 * tp / max(1, 2 * tp + fp + fn)


def summed(reports):
    kinds = ("true_positives", "false_positives", "false_negatives")
    sums = [sum(r["objects"][k] for r in reports) for k in kinds]
    pixels = [sum(r["pixels"][k] for r in reports) for k in kinds]
    return rates(*sums), pixels[0] / max(1, sum(pixels)), sums


def interval(reports):
    draw = random.Random(1)
    scores = sorted(summed(draw.choices(reports, k=len(reports)))[0][2] for _ in range(1000))
    return scores[25], scores[974]


def table(options, data, wanted):
    rows, total = {}, []
    print(f"{'place':12} {'objects':>7} {'F1':>6} {'precision':>9} {'recall':>6} {'pixel IoU':>9}  95 % of F1", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (images, _) in places(data).items():
            if wanted and name not in wanted:
                continue
            reports = [measure(image, options, folder) for image in images]
            (precision, recall, f1), iou, (tp, fp, fn) = summed(reports)
            low, high = (None, None)
            if len(reports) > 2:
                low, high = interval(reports)
            elif len(reports) == 1 and reports[0]["objects"]["f1_interval"]:
                low, high = reports[0]["objects"]["f1_interval"]
            rows[name] = dict(objects=tp + fn, f1=f1, precision=precision, recall=recall, iou=iou, tp=tp, fp=fp, fn=fn, low=low,
                              high=high)
            text = f"{low:.2f} to {high:.2f}" if low is not None else ""
            print(f"{name:12} {tp + fn:7} {f1:6.3f} {precision:9.3f} {recall:6.3f} {iou:9.3f}  {text}", flush=True)
        if rows:
            mean = {k: sum(r[k] for r in rows.values()) / len(rows) for k in ("f1", "precision", "recall", "iou")}
            print(f"{'mean':12} {'':7} {mean['f1']:6.3f} {mean['precision']:9.3f} {mean['recall']:6.3f} {mean['iou']:9.3f}")
        if not wanted:
            for name, scene, part in empty_ground(options, data):
                out = folder / "none.gpkg"
                report = json.loads(call(options.plat, "extract", scene, "-o", out, "--overwrite", "--model", options.model,
                                         *part, "--json", "-q", *options.given.split()))
                rows[name] = dict(invented=report["objects"])
                print(f"{name}: {report['objects']} objects on a square kilometre without any", flush=True)
    return rows


def main():
    given = sys.argv[1:]
    behind = given[given.index("--") + 1:] if "--" in given else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--plat", default="./plat")
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--only", default="", help="places, with commas between")
    parser.add_argument("--given", default="", help="more options of plat extract")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--leave-out", default="", help="places that the model is trained without, with commas between")
    parser.add_argument("-o", "--output", help="run folder of that training")
    options = parser.parse_args(given[:given.index("--")] if "--" in given else given)
    wanted = [p for p in options.only.split(",") if p]
    unseen = [p for p in options.leave_out.split(",") if p]
    known = places(options.data)
    for name in wanted + unseen:
        if name not in known:
            parser.error(f"{name} is none of {', '.join(known)}")
    if unseen:
        if not options.output:
            parser.error("--leave-out needs -o RUN")
        paths = [path for name in unseen for path in known[name][1] if path.suffix in ("", ".tif", ".png")]
        paths = [path for path in paths if "_mask" not in path.name]
        leave = [part for path in paths for part in ("--leave-out", str(path))]
        subprocess.run([options.plat, "train", *behind, *leave, "-o", options.output], check=True)
        options.model, wanted = options.output + "/model", unseen
    rows = table(options, options.data, wanted)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
