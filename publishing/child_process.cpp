// SPDX-License-Identifier: Apache-2.0
#include "publishing/child_process.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

extern char** environ;

namespace plat {
namespace {

constexpr std::size_t kKept = 4000;  // of what a program said, for an error's sentence

std::string without(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!variables.contains(text.substr(0, text.find('=')))) out.push_back(text);
  }
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

/// Takes what a program says apart into lines, so that a secret is never cut in two.
class Listener {
 public:
  explicit Listener(const Command& command) : command_(command) {}
  void hear(std::string_view bytes) {
    pending_ += bytes;
    // Progress bars end with a carriage return.
    for (std::size_t end; (end = pending_.find_first_of("\r\n")) != std::string::npos;) {
      pass_on(pending_.substr(0, end + 1));
      pending_.erase(0, end + 1);
    }
  }
  std::string finish() {
    if (!pending_.empty()) pass_on(pending_);
    return trim(said_);
  }

 private:
  void pass_on(const std::string& line) {
    const std::string shown = without(line, command_.secrets);
    if (!command_.quiet) std::fputs(shown.c_str(), stderr);
    said_ += shown;
    if (said_.size() > kKept) said_.erase(0, said_.size() - kKept);
  }

  const Command& command_;
  std::string pending_, said_;
};

void listen_to(int pipe, pid_t child, Listener& listener) {
  bool told = false;
  std::array<char, 4096> buffer{};
  while (true) {
    if (cancel_requested() && !told) {
      kill(child, SIGTERM);
      told = true;
    }
    pollfd waiting{pipe, POLLIN, 0};
    constexpr int kPatience = 200;  // milliseconds until an interruption is looked for again
    const int ready = poll(&waiting, 1, kPatience);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t count = read(pipe, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    listener.hear({buffer.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "" : path, ':')) {
    const std::filesystem::path file = std::filesystem::path(folder.empty() ? "." : folder) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(file, error) && access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

CommandResult run_command(const Command& command) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> variables = environment_with(command.variables);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(variables);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw IoError(arguments.front() + ": no process can be made for it");
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    throw IoError(arguments.front() + ": no process can be made for it");
  }
  if (child == 0) {
    // What this program does not hear, others may need to.
    std::signal(SIGPIPE, SIG_DFL);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    if (!command.folder.empty() && chdir(command.folder.c_str()) != 0) _exit(127);
    execvpe(argv.front(), argv.data(), envp.data());
    _exit(127);
  }
  close(ends[1]);
  Listener listener(command);
  listen_to(ends[0], child, listener);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  throw_if_cancelled();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), listener.finish()};
}

std::string shell_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    const bool plain = !argument.empty() && std::all_of(argument.begin(), argument.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || std::string_view("-_./:=@+,").find(static_cast<char>(c)) != std::string_view::npos;
    });
    line += line.empty() ? "" : " ";
    if (plain) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace plat
