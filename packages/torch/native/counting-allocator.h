// The memory of CPU tensors, counted as it is taken and given back, with a bound that one can set.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cstring>
#include <limits>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

namespace fovea {

/// Stands before libtorch's own allocator. Beyond the bound an allocation fails as it does on a GPU, with an error that training can
/// answer; without it Linux promises any amount, and kills the process when it is used.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* base) : base_(base) { original = base->raw_deleter(); }

  // libtorch 1.13 asks for this const, later ones for it plain; the one that it asks for overrides.
  c10::DataPtr allocate(size_t bytes) const { return take(bytes); }
  c10::DataPtr allocate(size_t bytes) { return take(bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return &give; }
  void copy_data(void* to, const void* from, std::size_t bytes) const { std::memcpy(to, from, bytes); }

  static inline std::atomic<int64_t> current{0}, peak{0}, limit{std::numeric_limits<int64_t>::max()};

 private:
  c10::DataPtr take(size_t bytes) const {
    const auto wanted = static_cast<int64_t>(bytes);
    TORCH_CHECK(wanted <= limit - current, "out of memory: ", wanted >> 20, " MiB more are wanted, ", current >> 20,
                " MiB are in use and the limit is ", limit >> 20, " MiB");
    auto block = base_->allocate(bytes);
    if (block.get_context() != block.get()) return block;  // none of libtorch's plain blocks; nor is one of 0 bytes
    void* memory = block.release_context();
    if (memory) {
      const int64_t now = current += malloc_usable_size(memory);
      for (int64_t before = peak; before < now && !peak.compare_exchange_weak(before, now);) {
      }
    }
    return {memory, memory, &give, c10::Device(c10::DeviceType::CPU)};
  }

  static void give(void* memory) {
    if (memory) current -= malloc_usable_size(memory);
    original(memory);
  }

  static inline c10::DeleterFnPtr original = nullptr;
  c10::Allocator* base_;
};

}  // namespace fovea
