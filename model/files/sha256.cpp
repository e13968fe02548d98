// SPDX-License-Identifier: Apache-2.0
#include "model/files/sha256.hpp"

#include "core/cancel.hpp"
#include "model/files/mapped_file.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace plat {
namespace {

void require(int done) {
  if (done != 1) throw std::runtime_error("the cryptographic library cannot compute SHA-256");
}

}  // namespace

struct Sha256::Impl {
  struct Deleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Deleter> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  require(EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()));
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> sum{};
  require(EVP_DigestFinal_ex(impl_->context.get(), sum.data(), nullptr));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : sum) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string sha256_of_file(const std::string& path) {
  const detail::MappedFile file(path);
  Sha256 sum;
  constexpr std::size_t kPiece = 64 << 20;
  for (std::size_t at = 0; at < file.bytes().size(); at += kPiece) {
    throw_if_cancelled();
    sum.add(file.bytes().subspan(at, std::min(kPiece, file.bytes().size() - at)));
  }
  return sum.finish();
}

}  // namespace plat
