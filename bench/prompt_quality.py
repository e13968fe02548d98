#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well a model answers prompts: each true object is asked for by a point inside it and by its box, and the first mask is compared
with it.

    bench/prompt_quality.py SCENE TRUTH [--plat ./plat] [--model buildings] [--bbox xmin,ymin,xmax,ymax]

TRUTH is a layer; --bbox, in its CRS, takes those objects of it whose middle lies there. Prints the mean IoU of both kinds of prompts.
Needs GDAL's Python bindings (python3-gdal).
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

from osgeo import ogr, osr

ogr.UseExceptions()


def true_objects(path, bbox):
    source = ogr.Open(path)
    layer = source.GetLayer()
    objects = []
    for feature in layer:
        shape = feature.GetGeometryRef().Clone()
        middle = shape.Centroid()
        if bbox and not (bbox[0] <= middle.GetX() <= bbox[2] and bbox[1] <= middle.GetY() <= bbox[3]):
            continue
        objects.append(shape)
    reference = osr.SpatialReference()
    reference.ImportFromWkt(layer.GetSpatialRef().ExportToWkt())
    return objects, reference


def write_prompts(path, objects, reference, kind):
    target = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = target.CreateLayer("prompts", reference, ogr.wkbUnknown)
    layer.CreateField(ogr.FieldDefn("id", ogr.OFTInteger))
    if kind == "point":
        layer.CreateField(ogr.FieldDefn("label", ogr.OFTInteger))
    for number, shape in enumerate(objects):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("id", number)
        if kind == "point":
            feature.SetField("label", 1)
            feature.SetGeometry(shape.PointOnSurface())
        else:
            left, right, low, high = shape.GetEnvelope()
            feature.SetGeometry(ogr.CreateGeometryFromWkt(
                f"POLYGON(({left} {low},{right} {low},{right} {high},{left} {high},{left} {low}))"))
        layer.CreateFeature(feature)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("truth")
    parser.add_argument("--plat", default="./plat")
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--bbox")
    options = parser.parse_args()
    bbox = [float(x) for x in options.bbox.split(",")] if options.bbox else None
    objects, reference = true_objects(options.truth, bbox)
    if not objects:
        parser.error("no object of the truth lies there")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for kind in ("point", "box"):
            prompts, out = folder / f"{kind}.gpkg", folder / f"{kind}_found.geojson"
            write_prompts(prompts, objects, reference, kind)
            done = subprocess.run([options.plat, "segment", options.scene, "--prompts", prompts, "--model", options.model, "-o", out,
                                   "-q"], capture_output=True, text=True)
            if done.returncode not in (0, 6):
                raise SystemExit(done.stderr)
            # In the order of their ranks: the first of several is the answer.
            found = {feature["properties"]["id"]: ogr.CreateGeometryFromJson(json.dumps(feature["geometry"]))
                     for feature in reversed(json.loads(out.read_text())["features"])}
            lonlat = osr.SpatialReference()
            lonlat.ImportFromEPSG(4326)
            for axis in (reference, lonlat):
                axis.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
            change = osr.CoordinateTransformation(reference, lonlat)
            total = 0.0
            for number, shape in enumerate(objects):
                shape = shape.Clone()
                shape.Transform(change)
                shape = shape.MakeValid()
                answer = found[number].MakeValid() if number in found else None
                if answer is not None and answer.Intersects(shape):
                    total += answer.Intersection(shape).Area() / answer.Union(shape).Area()
            print(f"{kind:5} {len(objects)} objects, {len(found)} answers, mean IoU {total / len(objects):.3f}", flush=True)


if __name__ == "__main__":
    main()
