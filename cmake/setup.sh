# SPDX-License-Identifier: Apache-2.0
# What ./plat and ./check share: find or install what the build needs, configure build/release, build in it.
# Sourced, with PLAT_HOME set to the project's root. All it says goes to stderr: stdout belongs to the program.
#   TORCH_ROOT        a LibTorch of the user's own: the folder with include/ and lib/
#   PLAT_NO_INSTALL   1: install and download nothing, build with what is there
#   PLAT_CMAKE_ARGS   further arguments for cmake, separated by spaces; with -DPLAT_WITH_TORCH=OFF no LibTorch is needed
#   PLAT_JOBS         how many compilers run at once

plat_torch_version=2.13.0
plat_build=$PLAT_HOME/build/release
plat_log=$plat_build/build.log
plat_stamp=$plat_build/configured-with
plat_setup_exit=3

plat_say() { printf 'plat: %s\n' "$*" >&2; }
plat_die() { plat_say "$*"; exit "$plat_setup_exit"; }
plat_have() { command -v "$1" >/dev/null 2>&1; }

# Says what failed and shows the end of the log.
plat_fail() {
  tail -n "${2:-40}" "$plat_log" >&2
  plat_die "$1 (all of it: $plat_log)"
}

plat_packages() { sed -n 's/^\([^# ][^ ]*\) .*/\1/p' "$PLAT_HOME/cmake/packages.txt"; }

# A python3 with pip, which is only needed to fetch LibTorch.
plat_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if plat_have "$candidate" && "$candidate" -m pip --version >/dev/null 2>&1; then printf '%s' "$candidate"; return 0; fi
  done
  return 1
}

plat_torch_root() { printf '%s' "${TORCH_ROOT:-$PLAT_HOME/.deps/torch}"; }
plat_torch_present() {
  [[ ${PLAT_CMAKE_ARGS:-} == *PLAT_WITH_TORCH=OFF* ]] ||
    [[ -e $(plat_torch_root)/lib/libtorch_cpu.so && -e $(plat_torch_root)/include/ATen/core/Tensor.h ]]
}

plat_install_packages() {
  local package missing=() installed
  if ! plat_have dpkg-query; then
    for package in c++ cmake ninja; do plat_have "$package" || missing+=("$package"); done
    ((${#missing[@]})) || return 0  # whether the libraries are there is for cmake to find out
    plat_say "not found: ${missing[*]}. This is no Debian or Ubuntu; install what these packages of Debian hold:"
    plat_die "$(plat_packages | tr '\n' ' ')"
  fi
  installed=$(dpkg-query -W -f='${db:Status-Status} ${binary:Package}\n' 2>/dev/null | sed -n 's/^installed \([^:]*\).*/\1/p')
  for package in $(plat_packages); do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
  plat_torch_present || plat_python >/dev/null || missing+=(python3-pip)
  ((${#missing[@]})) || return 0

  local run=()
  if ((EUID != 0)); then
    run=(sudo)
    [[ -t 0 && -t 2 ]] || run=(sudo -n)  # nobody could type a password
  fi
  if ! plat_have apt-get || { ((EUID != 0)) && ! plat_have sudo; }; then
    plat_say "these packages are missing, and only root can install them:"
    plat_die "  apt-get install --no-install-recommends ${missing[*]}"
  fi
  plat_say "installing with apt-get: ${missing[*]}"
  run+=(env DEBIAN_FRONTEND=noninteractive apt-get)
  {
    "${run[@]}" update || true  # an old list may still do
    "${run[@]}" install --yes --no-install-recommends "${missing[@]}"
  } </dev/null >>"$plat_log" 2>&1 && return 0
  tail -n 20 "$plat_log" >&2
  plat_say "apt-get could not install them. As root:"
  plat_die "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
}

# plat_download FOLDER REQUIREMENT..: fetches wheels without what they depend on.
plat_download() {
  local folder=$1 python tags any=(--only-binary=:all: --platform "manylinux_2_28_$(uname -m)" --implementation cp)
  shift
  python=$(plat_python) || plat_die "python3 with pip is needed to fetch LibTorch; or set TORCH_ROOT"
  local fetch=("$python" -m pip download --quiet --no-deps --dest "$folder")
  "${fetch[@]}" "$@" >>"$plat_log" 2>&1 && return 0
  # No wheel for this python. Only the C++ libraries are wanted, and those are the same in every wheel.
  for tags in 3.11 3.12 3.13; do
    "${fetch[@]}" "${any[@]}" --python-version "$tags" --abi "cp${tags/./}" --abi abi3 --abi none "$@" \
      >>"$plat_log" 2>&1 && return 0
  done
  return 1
}

# plat_extract FOLDER TARGET: takes the C++ parts out of the wheels in FOLDER. What only Python, torch's own tests or a
# graphics card need stays behind.
plat_extract() {
  "$(plat_python)" - "$1" "$2" <<'PYTHON'
import pathlib, re, sys, zipfile
wanted = re.compile(r"torch/include/|torch/lib/lib[^/]*\.so|torch\.libs/|nvidia/.*/lib/lib(cudart|cupti)[^/]*\.so|"
                    r".*dist-info/.*(LICENSE|License|NOTICE)")
unwanted = re.compile(r"torch/lib/.*(_python|_test|backend_with_compiler|aoti_custom|cuda|nvrtc|nvshmem)")
for wheel in pathlib.Path(sys.argv[1]).glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if wanted.match(name) and not unwanted.match(name):
                archive.extract(name, sys.argv[2])
PYTHON
}

# LibTorch comes from PyPI's package torch. Where the index has no build for the CPU alone, the CUDA build does as well:
# its CPU library needs two small CUDA libraries, which it looks for in ../../nvidia.
plat_install_torch() {
  plat_torch_present && return 0
  [[ -z ${TORCH_ROOT:-} ]] || plat_die "TORCH_ROOT=$TORCH_ROOT holds no LibTorch: include/ATen and lib/libtorch_cpu.so are expected there"
  local deps=$PLAT_HOME/.deps folder
  plat_say "downloading LibTorch $plat_torch_version from PyPI into .deps (200 to 550 MB, 0.5 GB on disk; TORCH_ROOT names one of your own)"
  mkdir -p "$deps"
  rm -rf "$deps"/.new-*
  folder=$(mktemp -d "$deps/.new-XXXXXX")
  plat_download "$folder/wheels" "torch==$plat_torch_version" || plat_fail "LibTorch could not be downloaded" 8
  plat_extract "$folder/wheels" "$folder" || plat_fail "the package torch could not be unpacked: is the disk full?" 8
  if [[ -n $(plat_unresolved "$folder/torch") ]]; then
    plat_download "$folder/cuda" 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*' ||
      plat_fail "LibTorch is a CUDA build and its libraries could not be downloaded; set TORCH_ROOT to a build for the CPU" 8
    plat_extract "$folder/cuda" "$folder"
  fi
  mkdir -p "$folder/torch/licenses"
  mv "$folder"/*.dist-info "$folder/torch/licenses/"
  # The libraries beside it first: the folder torch is the sign that all of it is there.
  local part
  for part in nvidia torch.libs torch; do
    rm -rf "${deps:?}/$part"
    [[ ! -d $folder/$part ]] || mv "$folder/$part" "$deps/$part"
  done
  rm -rf "$folder"
}

plat_unresolved() { { ldd "$1/lib/libtorch_cpu.so" 2>/dev/null || true; } | awk '/not found/ {print $1}' | sort -u; }

plat_check_torch() {
  [[ ${PLAT_CMAKE_ARGS:-} != *PLAT_WITH_TORCH=OFF* ]] || return 0
  local lost
  lost=$(plat_unresolved "$(plat_torch_root)")
  [[ -z $lost ]] || plat_die "LibTorch in $(plat_torch_root) lacks libraries:" $lost \
    "- install them beside it (a CUDA build needs its nvidia-* packages), or set TORCH_ROOT to a complete LibTorch"
}

# As many compilers as there are cores, but each may take 1.5 GB where it sees torch.
plat_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo 2>/dev/null || echo "$cores")
  ((memory >= 1)) || memory=1
  printf '%s' "${PLAT_JOBS:-$((cores < memory ? cores : memory))}"
}

# All that the configuration depends on; a change of it configures anew.
plat_fingerprint() {
  printf '%s\n' "$PLAT_HOME" "$(plat_torch_root)" "${PLAT_CMAKE_ARGS:-}" "${CXX:-}" "${CXXFLAGS:-}" "$(command -v ccache || true)"
  cat "$PLAT_HOME/cmake/packages.txt"
}

plat_configure() {
  local wanted arguments=(-DPLAT_BUILD_TESTS=ON "-DTORCH_ROOT=$(plat_torch_root)")
  wanted=$(plat_fingerprint)
  [[ -f $plat_stamp && -f $plat_build/build.ninja && $(<"$plat_stamp") == "$wanted" ]] && plat_torch_present && return 0
  if [[ ${PLAT_NO_INSTALL:-0} != 1 ]]; then
    plat_install_packages
    plat_install_torch
  elif ! plat_torch_present; then
    plat_die "no LibTorch in $(plat_torch_root); set TORCH_ROOT, or unset PLAT_NO_INSTALL"
  fi
  plat_check_torch
  # What cmake found for another folder or with other settings is of no use; options set by hand are kept otherwise.
  if [[ -f $plat_stamp ]] || ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PLAT_HOME" "$plat_build/CMakeCache.txt"; then
    arguments+=(--fresh)
  fi
  plat_have ccache && arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  plat_say "configuring"
  # shellcheck disable=SC2086  # PLAT_CMAKE_ARGS is a list
  (cd "$PLAT_HOME" && cmake --preset release "${arguments[@]}" ${PLAT_CMAKE_ARGS:-}) >>"$plat_log" 2>&1 ||
    plat_fail "cmake failed; the packages that it needs: $(plat_packages | tr '\n' ' ')"
  plat_fingerprint >"$plat_stamp"
}

# Turns ninja's output into one line of progress, or ten lines where stderr is no terminal.
plat_progress() {
  local line done total shown=-1 tenth
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$plat_log"
    [[ $line =~ ^\[([1-9][0-9]*)/([0-9]+)\] ]] || continue  # 0 of 1 is cmake looking again
    done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
    if [[ -t 2 ]]; then
      printf '\rplat: building %s/%s ' "$done" "$total" >&2
    else
      tenth=$((done * 10 / total))
      if ((tenth > shown)); then plat_say "building $done/$total"; fi
    fi
    shown=$((done * 10 / total))
  done
  if [[ -t 2 ]] && ((shown >= 0)); then printf '\r\033[K' >&2; fi
}

# plat_prepare TARGET..: afterwards the targets are up to date. Two at once wait for each other.
plat_prepare() {
  mkdir -p "$plat_build"
  exec 9>"$plat_build/.lock"
  if ! flock -n 9; then
    plat_say "waiting for another build in $plat_build"
    flock 9
  fi
  : >"$plat_log"
  plat_configure
  if ! NINJA_STATUS='[%f/%t] ' ninja -C "$plat_build" -j "$(plat_jobs)" "$@" 2>&1 9>&- | plat_progress 9>&-; then
    rm -f "$plat_stamp"  # a library may be gone: look again next time
    plat_setup_exit=1
    plat_fail "the build failed" 60
  fi
  exec 9>&-
}
