// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace plat {

/// Exit codes of the command-line program; each error type below has its own.
enum class ExitCode {
  Ok = 0,
  Unexpected = 1,
  Usage = 2,
  Io = 3,
  Data = 4,
  Model = 5,
  Partial = 6,
  Interrupted = 130,
};

/// Base of every error that plat throws on purpose; the message says what, where and what to do, in one sentence.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, ExitCode code) : std::runtime_error(message), code_(code) {}
  /// The exit code of a program that ends with this error.
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// A wrong option, argument or configuration key.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, ExitCode::Usage) {}
};

/// A file or address that cannot be read or written.
class IoError : public Error {
 public:
  explicit IoError(const std::string& message) : Error(message, ExitCode::Io) {}
};

/// Readable input whose content cannot be used (no CRS, no bands, no labels, …).
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(message, ExitCode::Data) {}
};

/// A model folder that cannot be used, or a failure inside the network.
class ModelError : public Error {
 public:
  explicit ModelError(const std::string& message) : Error(message, ExitCode::Model) {}
};

/// The run ended, but some tiles failed; what was written is valid and marks them as nodata.
class PartialError : public Error {
 public:
  explicit PartialError(const std::string& message) : Error(message, ExitCode::Partial) {}
};

/// The user asked to stop.
class Cancelled : public Error {
 public:
  Cancelled() : Error("interrupted", ExitCode::Interrupted) {}
};

}  // namespace plat
