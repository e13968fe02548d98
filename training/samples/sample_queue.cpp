// SPDX-License-Identifier: Apache-2.0
#include "training/samples/sample_queue.hpp"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace plat {

struct SampleQueue::Impl {
  struct Slot {
    Sample sample;
    std::exception_ptr error;
  };

  Impl(std::function<Sample(int64_t)> make_sample, int64_t first, int64_t most_ahead)
      : make(std::move(make_sample)), next_to_make(first), next_to_take(first), ahead(most_ahead) {}

  void work() {
    for (;;) {
      int64_t number = 0;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return stop || next_to_make < next_to_take + ahead; });
        if (stop) return;
        number = next_to_make++;
      }
      Slot slot;
      try {
        slot.sample = make(number);
      } catch (...) {
        slot.error = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      ready.emplace(number, std::move(slot));
      changed.notify_all();
    }
  }

  std::function<Sample(int64_t)> make;
  int64_t next_to_make;
  int64_t next_to_take;
  int64_t ahead;
  bool stop = false;
  std::map<int64_t, Slot> ready;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::jthread> threads;
};

SampleQueue::SampleQueue(std::function<Sample(int64_t)> make, int64_t first, int threads, int64_t ahead)
    : impl_(std::make_unique<Impl>(std::move(make), first, ahead)) {
  for (int i = 0; i < threads; ++i) impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

SampleQueue::~SampleQueue() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->changed.notify_all();
  impl_->threads.clear();
}

Sample SampleQueue::take() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [this] { return impl_->ready.contains(impl_->next_to_take); });
  auto node = impl_->ready.extract(impl_->next_to_take);
  ++impl_->next_to_take;
  lock.unlock();
  impl_->changed.notify_all();
  if (node.mapped().error) std::rethrow_exception(node.mapped().error);
  return std::move(node.mapped().sample);
}

}  // namespace plat
