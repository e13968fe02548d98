// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/import/zip_archive.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <span>
#include <string>

namespace plat::test {

/// The bytes of a little-endian number.
template <typename T>
std::string raw(T value) {
  std::string text(sizeof(T), '\0');
  std::memcpy(text.data(), &value, sizeof(T));
  return text;
}

/// A zip archive of stored entries.
inline std::string zip_of(const std::map<std::string, std::string>& entries, uint16_t method = 0) {
  std::string body, directory;
  for (const auto& [name, data] : entries) {
    const auto size = static_cast<uint32_t>(data.size());
    const uint32_t crc = detail::crc32(std::as_bytes(std::span(data)));
    const std::string common = raw<uint16_t>(0) + raw(method) + raw<uint32_t>(0) + raw(crc) + raw(size) + raw(size) +
                               raw(static_cast<uint16_t>(name.size())) + raw<uint16_t>(0);
    directory += "PK\1\2" + raw<uint32_t>(20) + common + raw<uint16_t>(0) + raw<uint32_t>(0) + raw<uint32_t>(0) +
                 raw(static_cast<uint32_t>(body.size())) + name;
    body += "PK\3\4" + raw<uint16_t>(20) + common + name + data;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  return body + directory + "PK\5\6" + raw<uint32_t>(0) + raw(count) + raw(count) +
         raw(static_cast<uint32_t>(directory.size())) + raw(static_cast<uint32_t>(body.size())) + raw<uint16_t>(0);
}

// Pieces of a pickle of protocol 2, as torch.save writes it.
inline std::string text_op(const std::string& text) { return "X" + raw(static_cast<uint32_t>(text.size())) + text; }
inline std::string int_op(int32_t value) { return "J" + raw(value); }
inline std::string tuple_op(const std::string& items) { return "(" + items + "t"; }
inline std::string global_op(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string pickle_of(const std::string& value) { return "\x80\x02" + value + "."; }

struct TensorText {
  std::string key = "0";
  int32_t elements = 6;
  int32_t offset = 0;
  std::string shape = tuple_op(int_op(2) + int_op(3));
  std::string strides = tuple_op(int_op(3) + int_op(1));
  std::string storage = "FloatStorage";
};

inline std::string tensor_op(const TensorText& t) {
  const std::string storage = tuple_op(text_op("storage") + global_op("torch", t.storage) + text_op(t.key) +
                                       text_op("cpu") + int_op(t.elements)) +
                              "Q";
  return global_op("torch._utils", "_rebuild_tensor_v2") +
         tuple_op(storage + int_op(t.offset) + t.shape + t.strides + "\x89" + global_op("collections", "OrderedDict") +
                  ")R") +
         "R";
}

/// A dictionary of one tensor 'a'.
inline std::string one_tensor(const TensorText& t = {}) { return pickle_of("}" + text_op("a") + tensor_op(t) + "s"); }

/// torch.save's archive around a pickle and one storage of six floats.
inline std::string torch_file_of(const std::string& pickle) {
  std::string numbers;
  for (int i = 0; i < 6; ++i) numbers += raw(static_cast<float>(i));
  return zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", numbers}, {"archive/version", "3\n"}});
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace plat::test
