// Gradients: libtorch's autograd engine, with hooks that JavaScript answers.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include "arguments.h"

#include <ATen/ThreadLocalState.h>
#include <torch/csrc/autograd/autograd.h>

namespace fovea {

inline napi_value requiresGrad(napi_env env, Arguments& args) { return toBoolean(env, args.tensor(0).requires_grad()); }

inline napi_value setRequiresGrad(napi_env env, Arguments& args) {
  args.tensor(0).requires_grad_(args.boolean(1));
  return undefined(env);
}

inline napi_value isLeaf(napi_env env, Arguments& args) { return toBoolean(env, args.tensor(0).is_leaf()); }

inline napi_value retainGrad(napi_env env, Arguments& args) {
  args.tensor(0).retain_grad();
  return undefined(env);
}

/// gradient(t): handle of t.grad, or null.
inline napi_value gradient(napi_env env, Arguments& args) {
  auto grad = args.tensor(0).grad();
  return grad.defined() ? toNumber(env, Engine::of(env).add(env, std::move(grad))) : null(env);
}

/// setGradient(t, gradient | null). libtorch itself would take any gradient and fail, or compute nonsense, later.
inline napi_value setGradient(napi_env env, Arguments& args) {
  const auto& tensor = args.tensor(0);
  if (args.missing(1)) {
    tensor.mutable_grad() = at::Tensor();
    return undefined(env);
  }
  const auto& gradient = args.tensor(1);
  if (gradient.sizes() != tensor.sizes() || gradient.scalar_type() != tensor.scalar_type() || gradient.device() != tensor.device())
    throw std::invalid_argument("a gradient has the shape, dtype and device of its tensor");
  if (gradient.is_same(tensor)) throw std::invalid_argument("a tensor cannot be its own gradient");
  tensor.mutable_grad() = gradient;
  return undefined(env);
}

inline napi_value setData(napi_env env, Arguments& args) {
  args.tensor(0).set_data(args.tensor(1));
  return undefined(env);
}

inline napi_value gradMode(napi_env env, Arguments& args) { return toBoolean(env, at::GradMode::is_enabled()); }

inline napi_value setGradMode(napi_env env, Arguments& args) {
  at::GradMode::set_enabled(args.boolean(0));
  return undefined(env);
}

/// A hook call that waits for JavaScript's thread.
struct HookCall {
  napi_ref function;
  at::Tensor gradient;
  at::ThreadLocalState state;  // of the asking thread: the hook runs in the engine's grad mode
  at::Tensor replacement;
  std::string error;
  bool answered = false;
};

/// Where libtorch's engine asks for the gradients that hooks make of others, one per environment. CPU graphs run on the thread that calls
/// `backward`, JavaScript's, and hooks are called right there. CUDA graphs run on threads of libtorch's own while the caller blocks: then
/// the engine is started from a second thread, so that this one stays free to answer the others.
class HookQueue {
 public:
  explicit HookQueue(napi_env env) : env_(env) {}

  std::atomic<int> alive{0};  // hooks in any graph

  at::Tensor ask(napi_ref function, const at::Tensor& gradient) {
    HookCall call{function, gradient, {}, {}, {}};
    if (std::this_thread::get_id() == javascript_) {
      answer(call);
    } else {
      std::unique_lock<std::mutex> lock(mutex_);
      waiting_.push_back(&call);
      changed_.notify_all();
      // A pass that failed on one device may be over while another device still works on it.
      changed_.wait(lock, [&] { return call.answered || serving_ == 0; });
      if (!call.answered) {
        waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &call));
        throw std::runtime_error("the backward pass is over");
      }
    }
    if (!call.error.empty()) throw std::runtime_error(call.error);
    return call.replacement;
  }

  /// Runs `work` on another thread, answering hooks here until it ends.
  void serve(const std::function<void()>& work) {
    bool done = false;
    std::exception_ptr failure;
    at::ThreadLocalState state;  // grad mode, autocast… go along
    {
      std::lock_guard<std::mutex> lock(mutex_);
      serving_++;
    }
    std::thread worker([&] {
      at::ThreadLocalStateGuard guard(state);
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      std::lock_guard<std::mutex> lock(mutex_);
      done = true;
      changed_.notify_all();
    });
    {
      std::unique_lock<std::mutex> lock(mutex_);
      while (true) {
        changed_.wait(lock, [&] { return done || !waiting_.empty(); });
        if (waiting_.empty()) break;
        auto* call = waiting_.front();
        waiting_.pop_front();
        lock.unlock();
        answer(*call);
        lock.lock();
        call->answered = true;
        changed_.notify_all();
      }
      serving_--;
      changed_.notify_all();
    }
    worker.join();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  void answer(HookCall& call) {
    at::ThreadLocalStateGuard guard(call.state);
    auto env = env_;
    auto& engine = Engine::of(env);
    napi_handle_scope scope;
    napi_open_handle_scope(env, &scope);
    try {
      napi_value function, global, result, argument = toNumber(env, engine.add(env, call.gradient));
      check(env, napi_get_reference_value(env, call.function, &function));
      check(env, napi_get_global(env, &global));
      check(env, napi_call_function(env, global, function, 1, &argument, &result));
      auto type = typeOf(env, result);
      if (type == napi_number) call.replacement = engine.at(static_cast<int64_t>(readNumber(env, result)));
    } catch (const PendingException&) {
      call.error = takeException(env);
    } catch (const std::exception& error) {
      call.error = error.what();
    }
    napi_close_handle_scope(env, scope);
  }

  /// What the hook threw, in words; an Error is kept as the cause of the TorchError that follows.
  static std::string takeException(napi_env env) {
    napi_value error, text;
    napi_get_and_clear_last_exception(env, &error);
    bool isError = false;
    napi_is_error(env, error, &isError);
    if (isError) {
      auto& engine = Engine::of(env);
      if (engine.thrownByHook) napi_delete_reference(env, engine.thrownByHook);
      napi_create_reference(env, error, 1, &engine.thrownByHook);
    }
    auto status = isError ? napi_get_named_property(env, error, "message", &text) : napi_coerce_to_string(env, error, &text);
    return status == napi_ok ? "a gradient hook threw: " + readString(env, text) : "a gradient hook threw";
  }

  napi_env env_;
  const std::thread::id javascript_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HookCall*> waiting_;
  int serving_ = 0;  // passes that wait for hooks; more than one where a hook starts another
};

/// `hasThreads`: some of the graph may run on threads of libtorch's own.
inline void runEngine(napi_env env, bool hasThreads, const std::function<void()>& work) {
  const auto& hooks = Engine::of(env).hooks;
  hasThreads && hooks && hooks->alive > 0 ? hooks->serve(work) : work();
}

/// backward(roots, gradients | null, retainGraph, createGraph, hasThreads)
inline napi_value backward(napi_env env, Arguments& args) {
  auto roots = args.tensors(0);
  auto seeds = args.missing(1) ? std::vector<at::Tensor>() : args.tensors(1);
  bool retain = args.boolean(2), create = args.boolean(3);
  runEngine(env, args.boolean(4), [&] { torch::autograd::backward(roots, seeds, retain, create); });
  return undefined(env);
}

/// gradients(outputs, inputs, gradients | null, retainGraph, createGraph, allowUnused, hasThreads): (handle | null)[]
inline napi_value gradients(napi_env env, Arguments& args) {
  auto outputs = args.tensors(0), inputs = args.tensors(1);
  auto seeds = args.missing(2) ? std::vector<at::Tensor>() : args.tensors(2);
  bool retain = args.boolean(3), create = args.boolean(4), allowUnused = args.boolean(5);
  std::vector<at::Tensor> results;
  runEngine(env, args.boolean(6), [&] { results = torch::autograd::grad(outputs, inputs, seeds, retain, create, allowUnused); });
  napi_value list;
  check(env, napi_create_array_with_length(env, results.size(), &list));
  for (size_t i = 0; i < results.size(); i++) {
    auto value = results[i].defined() ? toNumber(env, Engine::of(env).add(env, std::move(results[i]))) : null(env);
    check(env, napi_set_element(env, list, i, value));
  }
  return list;
}

/// A JavaScript function that autograd holds. It dies with the graph, on whichever thread that is.
class HookFunction {
 public:
  HookFunction(napi_env env, napi_value function) : dead_(Engine::of(env).deadReferences) {
    auto& engine = Engine::of(env);
    if (!engine.hooks) engine.hooks = std::make_shared<HookQueue>(env);
    queue_ = engine.hooks;
    check(env, napi_create_reference(env, function, 1, &reference_));
    ++queue_->alive;
  }
  ~HookFunction() {
    --queue_->alive;
    dead_->push(reference_);
  }
  at::Tensor ask(const at::Tensor& gradient) { return queue_->ask(reference_, gradient); }

 private:
  napi_ref reference_ = nullptr;
  std::shared_ptr<HookQueue> queue_;
  std::shared_ptr<DeadReferences> dead_;
};

/// registerHook(t, (gradient handle) => replacement handle | undefined): number for removeHook.
inline napi_value registerHook(napi_env env, Arguments& args) {
  auto& tensor = args.tensor(0);
  if (typeOf(env, args[1]) != napi_function) throw std::invalid_argument("a hook is a function");
  auto function = std::make_shared<HookFunction>(env, args[1]);
  return toNumber(env, tensor.register_hook([function](const at::Tensor& gradient) { return function->ask(gradient); }));
}

inline napi_value removeHook(napi_env env, Arguments& args) {
  args.tensor(0).remove_hook(static_cast<unsigned>(args.integer(1)));
  return undefined(env);
}

}  // namespace fovea
