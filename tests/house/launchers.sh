#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# launchers.sh ROOT WORK: runs ./plat and ./check of a copy, whose compiler, package manager and LibTorch are stand-ins, so
# that every way of starting and failing is seen without building or installing anything.
set -euo pipefail
unset PLAT_CMAKE_ARGS CXX CXXFLAGS  # the settings of who runs this test are not those of the launchers under test
root=$1
work=$2
failures=0
fail() { printf 'FAILED %s\n' "$*"; failures=$((failures + 1)); }
expect() { [[ $2 == *"$3"* ]] || fail "$1: expected '$3' in: $2"; }
expect_code() { [[ $2 == "$3" ]] || fail "$1: ended with $2, expected $3"; }

chmod -R u+w "$work" 2>/dev/null || true
rm -rf "$work"
home="$work/a project"  # with a space, as people have them
fake=$work/fake
mkdir -p "$home/cmake" "$fake" "$work/torch/lib" "$work/torch/include/ATen/core"
cp "$root/plat" "$root/check" "$home/"
cp "$root/cmake/setup.sh" "$root/cmake/packages.txt" "$home/cmake/"
touch "$work/torch/lib/libtorch_cpu.so" "$work/torch/include/ATen/core/Tensor.h"

stand_in() { { printf '#!/bin/bash\n'; cat; } >"$fake/$1"; chmod +x "$fake/$1"; }
# The tools that the scripts themselves use are the real ones; what may be missing is a stand-in or is not there.
for tool in bash env cat sed awk grep tr tail head mkdir rm mv mktemp touch chmod flock nproc readlink dirname sort uniq ldd sleep; do
  ln -s "$(command -v "$tool")" "$fake/$tool"
done
stand_in cmake <<'E2'
mkdir -p build/release && touch build/release/build.ninja && echo "$*" >>"$RECORD/cmake"
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$PWD" >build/release/CMakeCache.txt
E2
stand_in ninja <<'E2'
echo "$*" >>"$RECORD/ninja"
sleep "${NINJA_SECONDS:-0}"
cd "$2"
if [[ -n ${BREAK:-} ]]; then echo '[1/2] compiling'; echo 'error: no such thing'; exit 1; fi
[[ -e bin/plat ]] && { echo 'ninja: no work to do.'; exit 0; }
mkdir -p bin
for i in 1 2 3; do echo "[$i/3] compiling"; done
printf '#!/bin/bash\nprintf "<%%s>" "$@"\nexit "${PLAT_ENDS_WITH:-0}"\n' >bin/plat
chmod +x bin/plat
E2
stand_in ctest <<'E2'
echo "ctest $*"
E2
stand_in dpkg-query <<'E2'
for package in g++ cmake ninja-build ccache libgdal-dev:amd64 libssl-dev:amd64 libproj-dev libtbb-dev libspdlog-dev libfmt-dev nlohmann-json3-dev \
  libcli11-dev libboost-test-dev libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev; do
  [[ " ${MISSING:-} " == *" ${package%%:*} "* ]] || echo "installed $package"
done
E2
stand_in c++ </dev/null
export RECORD=$work
path=$PATH

# launch NAME COMMAND..: runs with the stand-ins; leaves $out, $err, $code.
launch() {
  code=0
  : >"$work/cmake"
  : >"$work/ninja"
  PATH=$fake "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  out=$(<"$work/out") err=$(<"$work/err")
}
fresh() { rm -rf "$home/build" "$home/.deps"; }
export TORCH_ROOT=$work/torch

launch "$home/plat" extract 'a b.tif' -o 'c d.geojson'
expect_code "first run" "$code" 0
[[ $out == '<extract><a b.tif><-o><c d.geojson>' ]] || fail "stdout is not the program's alone: $out"
expect "first run says what it does" "$err" "building 3/3"
expect "first run" "$(<"$work/ninja")" " plat"
expect "configuration" "$(<"$work/cmake")" "TORCH_ROOT=$work/torch"

launch env PLAT_ENDS_WITH=6 "$home/plat" info
expect_code "the program's exit code" "$code" 6
[[ -z $err ]] || fail "a built program starts without a word, but: $err"
[[ ! -s $work/cmake ]] || fail "configured again without a reason"

ln -s "$home/plat" "$work/link"
cd /
launch "$work/link" info
expect "through a link, from another folder" "$out" "<info>"

launch "$home/check" -L fast
expect "check hands arguments on" "$out" "-L fast"
expect "check" "$(<"$work/ninja")" "all_verify_interface_header_sets"

launch env PLAT_CMAKE_ARGS=-DPLAT_WERROR=ON "$home/plat" info
expect "other settings configure anew" "$(<"$work/cmake")" "-DPLAT_WERROR=ON"

launch env BREAK=1 "$home/plat" info
expect_code "a failing build" "$code" 1
expect "a failing build shows the error" "$err" "no such thing"
[[ -z $out ]] || fail "a failing build writes to stdout: $out"

fresh
NINJA_SECONDS=1 PATH=$fake "$home/plat" one >"$work/one" 2>/dev/null &
sleep 0.3
launch "$home/plat" two
wait
expect "the second waits for the first" "$err" "waiting for another build"
expect "the second" "$out" "<two>"
expect "the first" "$(<"$work/one")" "<one>"

fresh
launch env TORCH_ROOT="$work" "$home/plat" info
expect_code "a TORCH_ROOT without LibTorch" "$code" 3
expect "a TORCH_ROOT without LibTorch" "$err" "holds no LibTorch"

fresh
launch env TORCH_ROOT="$work" PLAT_CMAKE_ARGS=-DPLAT_WITH_TORCH=OFF "$home/plat" info
expect_code "without torch" "$code" 0

# Missing packages. Without root rights and without sudo they are named; a user nobody stands in for us where we are root.
as_user=()
if ((EUID == 0)); then
  setpriv=$(command -v setpriv || true)
  [[ -z $setpriv ]] || as_user=("$setpriv" --reuid 65534 --clear-groups)
  chmod -R a+rwX "$work"
fi
reachable=1
if ((EUID == 0)) && { [[ -z ${as_user[*]} ]] || ! "${as_user[@]}" test -r "$home/plat"; }; then reachable=0; fi
stand_in apt-get <<'E2'
echo "apt-get $*" >>"$RECORD/apt"
exit "${APT_ENDS_WITH:-0}"
E2
if ((reachable)); then
  fresh
  launch env MISSING="libgdal-dev libcli11-dev" "${as_user[@]}" "$fake/bash" "$home/plat" info
  expect_code "no root rights" "$code" 3
  expect "no root rights" "$err" "apt-get install --no-install-recommends libgdal-dev libcli11-dev"
fi

stand_in sudo <<'E2'
echo "sudo $*" >>"$RECORD/apt"
while [[ $1 == -* ]]; do shift; done
exec "$@"
E2
fresh
: >"$work/apt"
chmod a+rw "$work/apt"
launch env MISSING="libgdal-dev libcli11-dev" "$home/plat" info
expect "packages are named before they are installed" "$err" "installing with apt-get: libgdal-dev libcli11-dev"
expect "packages are installed" "$(<"$work/apt")" "install --yes --no-install-recommends libgdal-dev libcli11-dev"
expect "and the program runs" "$out" "<info>"

fresh
launch env MISSING=ninja-build APT_ENDS_WITH=100 "$home/plat" info
expect_code "apt-get fails" "$code" 3
expect "apt-get fails" "$err" "As root:"
expect "apt-get fails" "$err" "ninja-build"

fresh
: >"$work/apt"
launch env MISSING=libgdal-dev PLAT_NO_INSTALL=1 "$home/plat" info
expect_code "PLAT_NO_INSTALL" "$code" 0
[[ ! -s $work/apt ]] || fail "PLAT_NO_INSTALL=1 installed all the same"

# Another kind of Linux: what Debian calls the packages is all there is to say.
rm "$fake/dpkg-query" "$fake/apt-get" "$fake/ninja"
fresh
launch "$home/plat" info
expect_code "no apt" "$code" 3
expect "no apt" "$err" "not found: ninja"
expect "no apt" "$err" "libgdal-dev"

# LibTorch out of a wheel: the C++ parts only.
if PATH=$path command -v python3 >/dev/null; then
  export PATH=$path
  mkdir -p "$work/wheels"
  python3 - "$work/wheels/torch-1-py3-none-any.whl" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name in ("lib/libtorch_cpu.so", "lib/libc10.so", "lib/libgomp.so.1", "lib/libtorch_cuda.so", "lib/libtorch_python.so",
                 "include/ATen/core/Tensor.h", "nn/module.py", "bin/protoc"):
        wheel.writestr("torch/" + name, "x")
    wheel.writestr("torch-1.dist-info/licenses/LICENSE", "x")
PYTHON
  (PLAT_HOME=$home; source "$home/cmake/setup.sh"; plat_python() { echo python3; }; plat_extract "$work/wheels" "$work/unpacked")
  got=$(cd "$work/unpacked" && find . -type f | sort | tr '\n' ' ')
  want='./torch-1.dist-info/licenses/LICENSE ./torch/include/ATen/core/Tensor.h ./torch/lib/libc10.so ./torch/lib/libgomp.so.1 ./torch/lib/libtorch_cpu.so '
  [[ $got == "$want" ]] || fail "unpacked: $got"
fi

((failures == 0)) && echo "the launchers do what they should"
exit $((failures > 0))
