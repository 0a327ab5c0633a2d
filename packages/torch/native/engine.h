// What the addon keeps per JavaScript environment: the tensors that JavaScript holds, by number, and looked-up operators.
#pragma once
#include <node_api.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace fovea {

/// A JavaScript exception is already pending: unwind without making another.
struct PendingException {};

inline void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw PendingException();
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw std::runtime_error(info && info->error_message ? info->error_message : "Node-API call failed");
}

/// libtorch's `optional`: its own class at first, the standard library's in newer ones.
using OptionalValue = std::decay_t<decltype(std::declval<const c10::Argument&>().default_value())>;
template <typename To, template <typename> class Optional, typename From>
Optional<To> optionalLike(const Optional<From>&);
using OptionalTensor = decltype(optionalLike<at::Tensor>(std::declval<OptionalValue>()));

/// How one argument of a schema is converted.
struct Parameter {
  enum Kind { Tensor, Int, Float, Bool, Scalar, String, Device, Generator, Dtype, Layout, MemoryFormat, Other } kind;
  bool optional = false;      // T?
  bool list = false;          // T[]
  bool optionalItems = false; // T?[]
  int32_t fixedSize = 0;      // int[2]: one number stands for all
  std::string name;
  std::string type;
  OptionalValue defaultValue;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
  std::vector<int> aliases;       // per return: the argument that it is, or -1
  std::vector<bool> returnsDtype; // dtypes come out of libtorch as integers
};

/// References to typed arrays whose storages are gone. Storages may die on any thread; references are deleted on JavaScript's.
class DeadReferences {
 public:
  void push(napi_ref reference) {
    std::lock_guard<std::mutex> lock(mutex_);
    references_.push_back(reference);
    some_ = true;
  }
  std::vector<napi_ref> take() {
    if (!some_) return {};
    std::lock_guard<std::mutex> lock(mutex_);
    some_ = false;
    return std::exchange(references_, {});
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> some_{false};
  std::vector<napi_ref> references_;
};

class HookQueue;

class Engine {
 public:
  static Engine& of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return *static_cast<Engine*>(data);
  }

  /// Takes a tensor in; its handle is its place in the table, never 0.
  int64_t add(napi_env env, at::Tensor tensor) {
    collect(env);
    // V8 cannot see native memory: tell it about storages that this handle alone holds, so that garbage collection feels them.
    // A scope frees its tensors without the collector, which would only run in vain.
    int64_t bytes = 0;
    if (!inScope && tensor.has_storage() && tensor.storage().use_count() == 1) bytes = static_cast<int64_t>(tensor.storage().nbytes());
    int64_t handle;
    if (free_.empty()) {
      handle = static_cast<int64_t>(slots_.size());
      slots_.push_back({std::move(tensor), bytes});
    } else {
      handle = free_.back();
      free_.pop_back();
      slots_[handle] = {std::move(tensor), bytes};
    }
    account(env, bytes);
    return handle;
  }

  bool has(int64_t handle) const {
    return handle > 0 && handle < static_cast<int64_t>(slots_.size()) && slots_[handle].tensor.defined();
  }

  at::Tensor& at(int64_t handle) {
    if (!has(handle)) throw std::invalid_argument("the tensor was disposed");
    return slots_[handle].tensor;
  }

  void release(napi_env env, int64_t handle) {
    at(handle);
    account(env, -slots_[handle].bytes);
    slots_[handle] = {};
    free_.push_back(handle);
    collect(env);
  }

  const at::Generator& generator(int64_t index) const {
    if (index < 0 || index >= static_cast<int64_t>(generators.size())) throw std::invalid_argument("there is no such generator");
    return generators[index];
  }

  std::vector<Operator> operators;
  std::vector<at::Generator> generators;
  std::shared_ptr<DeadReferences> deadReferences = std::make_shared<DeadReferences>();
  std::shared_ptr<HookQueue> hooks;   // null until the first hook
  napi_ref errorClass = nullptr;      // TorchError
  napi_ref thrownByHook = nullptr;    // what JavaScript threw while libtorch waited for it: the cause of the error to come
  bool inScope = false;               // new tensors belong to a `tidy`

 private:
  struct Slot {
    at::Tensor tensor;
    int64_t bytes = 0;
  };

  void account(napi_env env, int64_t bytes) {
    // Small tensors are many and cheap: counting them would cost more than it tells.
    if (bytes > -4096 && bytes < 4096) return;
    int64_t total;
    napi_adjust_external_memory(env, bytes, &total);
  }

  void collect(napi_env env) {
    for (auto reference : deadReferences->take()) napi_delete_reference(env, reference);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1);
  std::vector<int64_t> free_;
};

}  // namespace fovea
