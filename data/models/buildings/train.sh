#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the model of this folder from nothing: trains a small SAM on the imagery and footprints of Banepa (Nepal), which
# lie in FOLDER, and on drawn scenes. The easternmost column of the imagery is kept out; figures in README.md are from there.
#   data/models/buildings/train.sh FOLDER RUN      (about an hour on two cores; the model comes to lie in RUN/model)
# FOLDER holds banepa_train_mosaic_3857_cog.tif and banepa_buildings.geojson: data/sample of github.com/hotosm/fAIr-models
# at 95f0727e8fb05816c1544766e8039f5237c3867d, its 40 training chips joined in EPSG:3857.
set -eu
folder=${1:?"usage: train.sh FOLDER RUN"}
run=${2:?"usage: train.sh FOLDER RUN"}
exec "$(dirname "$0")/../../../plat" train \
  --scenes "$folder/banepa_train_mosaic_3857_cog.tif" --labels "$folder/banepa_buildings.geojson" \
  --val-bbox 9520231.8729,3202320,9520320,3202950 --val-bbox-crs EPSG:3857 \
  --gsd 0.2646 --drawn 0.2 --batch 8 --parts 2 --crop 256 --learning-rate 0.0015 --scale-min 0.6 --scale-max 2.0 \
  --grey 0.3 --prompt-weight 0.3 --prompts 4 --class building --name buildings --seed 1 --steps 2400 --val-every 300 \
  --attribution "Buildings of Banepa, Nepal: (c) OpenStreetMap contributors, ODbL 1.0" \
  --attribution "Imagery of Banepa: OpenAerialMap contributors / HOTOSM, CC BY 4.0; both from hotosm/fAIr-models" \
  -o "$run"
