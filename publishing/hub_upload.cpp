// SPDX-License-Identifier: Apache-2.0
#include "publishing/hub_upload.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "publishing/child_process.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>

namespace plat {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string endpoint() {
  std::string address = environment("HF_ENDPOINT");
  if (address.empty()) address = "https://huggingface.co";
  while (address.ends_with('/')) address.pop_back();
  if (address.find('@') != std::string::npos) {
    throw UsageError("HF_ENDPOINT must hold no name and no password; set HF_TOKEN instead");
  }
  return address;
}

std::vector<std::string> secrets() { return {environment("HF_TOKEN"), environment("HUGGING_FACE_HUB_TOKEN")}; }

/// The last line of what a program said, for an error's sentence.
std::string last_line(const std::string& said) { return trim(said.substr(said.find_last_of('\n') + 1)); }

/// A clone of the repository in a folder that goes with this object.
class Clone {
 public:
  explicit Clone(const UploadOptions& options) : options_(options), address_(endpoint() + "/" + options.repo) {
    std::string name = (fs::temp_directory_path() / "plat-publish-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw IoError(name + ": cannot be made; set TMPDIR to a folder with room");
    folder_ = name;
    // What is stored in LFS is not needed here, and nobody is there to answer questions.
    variables_ = {{"GIT_LFS_SKIP_SMUDGE", "1"}, {"GIT_TERMINAL_PROMPT", "0"}};
    if (!environment("HF_TOKEN").empty()) tell_token();
  }
  ~Clone() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Clone(const Clone&) = delete;
  Clone& operator=(const Clone&) = delete;

  void fetch() {
    const std::vector<std::string> clone = {"git", "clone", "--quiet", "--depth", "1", address_, repository().string()};
    std::vector<std::string> of_branch = clone;
    of_branch.insert(of_branch.begin() + 2, {"--branch", options_.revision});
    if (run({.arguments = of_branch}, "").code == 0) return;
    // The branch is new, or the repository is empty.
    const CommandResult result = run({.arguments = clone}, "");
    if (result.code == 0) return;
    throw IoError(address_ + ": cannot be cloned (" + last_line(result.said) +
                  "). Make the repository on the site first, or install the Hub's client, pip install " +
                  "huggingface_hub, which makes it; for a repository of your own set HF_TOKEN");
  }

  void add(const std::string& folder, bool with_lfs) {
    if (with_lfs) {
      git({"lfs", "install", "--local"});
      git({"lfs", "track", "*.safetensors"});
    }
    for (const auto& entry : fs::directory_iterator(folder)) {
      fs::copy(entry.path(), repository() / entry.path().filename(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    }
    git({"add", "--all"});
  }

  /// Returns false where the repository has all of it already.
  bool commit() {
    if (try_git({"diff", "--cached", "--quiet"}).code == 0) return false;
    if (try_git({"var", "GIT_COMMITTER_IDENT"}).code != 0) {
      const std::string user = options_.repo.substr(0, options_.repo.find('/'));
      for (const char* who : {"GIT_AUTHOR_", "GIT_COMMITTER_"}) {
        variables_[who + std::string("NAME")] = user;
        variables_[who + std::string("EMAIL")] = user + "@users.noreply.huggingface.co";
      }
    }
    git({"commit", "--quiet", "--message", options_.message});
    return true;
  }

  void push() { git({"push", "--quiet", "origin", "HEAD:refs/heads/" + options_.revision}); }

  const std::string& address() const { return address_; }

 private:
  fs::path repository() const { return folder_ / "repository"; }

  /// git asks the helper, which reads the environment when it runs: only the variable's name stands anywhere.
  void tell_token() {
    const std::string key = "credential." + endpoint() + ".helper";
    variables_["GIT_CONFIG_COUNT"] = "2";
    variables_["GIT_CONFIG_KEY_0"] = key;
    variables_["GIT_CONFIG_VALUE_0"] = "";  // forgets helpers that would store it
    variables_["GIT_CONFIG_KEY_1"] = key;
    variables_["GIT_CONFIG_VALUE_1"] =
        "!f() { test \"$1\" = get && echo username=user && echo \"password=$HF_TOKEN\"; }; f";
  }

  CommandResult run(Command command, const std::string& folder) {
    command.folder = folder;
    command.variables = variables_;
    command.secrets = secrets();
    command.quiet = true;
    return run_command(command);
  }
  CommandResult try_git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "git");
    return run({.arguments = std::move(arguments)}, repository().string());
  }
  void git(const std::vector<std::string>& arguments) {
    const CommandResult result = try_git(arguments);
    if (result.code == 0) return;
    throw IoError(address_ + ": nothing was uploaded, git " + arguments.front() + " failed: " + last_line(result.said));
  }

  UploadOptions options_;
  std::string address_;
  fs::path folder_;
  std::map<std::string, std::string> variables_;
};

UploadResult upload_with_git(const std::string& folder, const UploadOptions& options) {
  const bool with_lfs = has_program("git-lfs");
  const bool local = endpoint().starts_with("file://");
  if (!has_program("git") || !(with_lfs || local)) {
    throw IoError(
        "nothing was uploaded: neither the Hub's client nor git with git-lfs is on PATH. Install one, pip "
        "install huggingface_hub or apt-get install git-lfs, then upload " +
        folder + " again");
  }
  if (options.is_private) {
    throw UsageError(
        "--private: git cannot make a repository; make a private one on the site, or install the Hub's "
        "client, pip install huggingface_hub");
  }
  Clone clone(options);
  clone.fetch();
  clone.add(folder, with_lfs);
  clone.commit();
  clone.push();
  return {"git", clone.address()};
}

}  // namespace

std::vector<std::string> upload_command(const std::string& client, const std::string& folder,
                                        const UploadOptions& options) {
  std::vector<std::string> words = {client, "upload", options.repo, folder, ".", "--commit-message", options.message};
  if (options.revision != "main") words.insert(words.end(), {"--revision", options.revision});
  if (options.is_private) words.emplace_back("--private");
  return words;
}

UploadResult upload_folder(const std::string& folder, const UploadOptions& options) {
  if (endpoint().starts_with("file://")) return upload_with_git(folder, options);
  for (const char* client : {"hf", "huggingface-cli"}) {
    if (!has_program(client)) continue;
    const CommandResult result =
        run_command({.arguments = upload_command(client, folder, options), .secrets = secrets()});
    if (result.code == 0) return {client, endpoint() + "/" + options.repo};
    throw IoError(options.repo + ": " + client + " ended with code " + std::to_string(result.code) + " (" +
                  last_line(result.said) + "); nothing is known to be uploaded. Log in with 'hf auth login' or set " +
                  "HF_TOKEN, then upload " + folder + " again");
  }
  return upload_with_git(folder, options);
}

}  // namespace plat
