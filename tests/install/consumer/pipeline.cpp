// SPDX-License-Identifier: Apache-2.0
// That the whole library links outside its own tree.
#include <plat/pipeline/extract.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  const plat::ExtractOptions options;
  std::printf("simplifies by %g m\n", options.simplify_m);
  if (argc > 2) plat::extract(argv[1], argv[2], options);
}
