// SPDX-License-Identifier: Apache-2.0
// That the whole library links outside its own tree.
#include <plat/pipeline/extract.hpp>

#include <cstdio>

int main() {
  const plat::ExtractOptions options;
  std::printf("simplifies by %g m\n", options.simplify_m);
  return &plat::extract == nullptr ? 1 : 0;
}
