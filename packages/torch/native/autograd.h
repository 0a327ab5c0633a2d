// Gradients: libtorch's autograd engine, with hooks that JavaScript answers.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <thread>

#include "convert.h"

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

inline napi_value setGradient(napi_env env, Arguments& args) {
  args.tensor(0).mutable_grad() = args.missing(1) ? at::Tensor() : args.tensor(1);
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
  at::Tensor replacement;
  std::string error;
  bool answered = false;
};

/// Hook calls on their way from the threads of libtorch's engine to JavaScript's thread. libtorch runs CUDA graphs on threads of
/// its own while the caller blocks, so with hooks the engine is started from a second thread and this one stays free to answer.
class HookQueue {
 public:
  static HookQueue& instance() {
    static HookQueue queue;
    return queue;
  }

  at::Tensor ask(napi_ref function, const at::Tensor& gradient) {
    HookCall call{function, gradient, {}, {}};
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_.push_back(&call);
    changed_.notify_all();
    changed_.wait(lock, [&] { return call.answered; });
    if (!call.error.empty()) throw std::runtime_error(call.error);
    return call.replacement;
  }

  /// Runs `work` on another thread, answering hooks here until it ends.
  void serve(napi_env env, const std::function<void()>& work) {
    bool done = false;
    std::exception_ptr failure;
    at::ThreadLocalState state;  // grad mode, autocast… go along
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
        answer(env, *call);
        lock.lock();
        call->answered = true;
        changed_.notify_all();
      }
    }
    worker.join();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  static void answer(napi_env env, HookCall& call) {
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
      napi_value error, text;
      napi_get_and_clear_last_exception(env, &error);
      bool isError = false;
      napi_is_error(env, error, &isError);
      auto status = isError ? napi_get_named_property(env, error, "message", &text) : napi_coerce_to_string(env, error, &text);
      call.error = status == napi_ok ? "a gradient hook threw: " + readString(env, text) : "a gradient hook threw";
    } catch (const std::exception& error) {
      call.error = error.what();
    }
    napi_close_handle_scope(env, scope);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HookCall*> waiting_;
};

inline void runEngine(napi_env env, const std::function<void()>& work) {
  *Engine::of(env).hooks > 0 ? HookQueue::instance().serve(env, work) : work();
}

/// backward(roots, gradients | null, retainGraph, createGraph)
inline napi_value backward(napi_env env, Arguments& args) {
  auto roots = args.tensors(0);
  auto seeds = args.missing(1) ? std::vector<at::Tensor>() : args.tensors(1);
  bool retain = args.boolean(2), create = args.boolean(3);
  runEngine(env, [&] { torch::autograd::backward(roots, seeds, retain, create); });
  return undefined(env);
}

/// gradients(outputs, inputs, gradients | null, retainGraph, createGraph, allowUnused): (handle | null)[]
inline napi_value gradients(napi_env env, Arguments& args) {
  auto outputs = args.tensors(0), inputs = args.tensors(1);
  auto seeds = args.missing(2) ? std::vector<at::Tensor>() : args.tensors(2);
  bool retain = args.boolean(3), create = args.boolean(4), allowUnused = args.boolean(5);
  std::vector<at::Tensor> results;
  runEngine(env, [&] { results = torch::autograd::grad(outputs, inputs, seeds, retain, create, allowUnused); });
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
  HookFunction(napi_env env, napi_value function) : dead_(Engine::of(env).deadReferences), alive_(Engine::of(env).hooks) {
    check(env, napi_create_reference(env, function, 1, &reference));
    ++*alive_;
  }
  ~HookFunction() {
    --*alive_;
    dead_->push(reference);
  }
  napi_ref reference = nullptr;

 private:
  std::shared_ptr<DeadReferences> dead_;
  std::shared_ptr<std::atomic<int>> alive_;
};

/// registerHook(t, (gradient handle) => replacement handle | undefined): number for removeHook.
inline napi_value registerHook(napi_env env, Arguments& args) {
  auto function = std::make_shared<HookFunction>(env, args[1]);
  auto ask = [function](const at::Tensor& gradient) { return HookQueue::instance().ask(function->reference, gradient); };
  return toNumber(env, args.tensor(0).register_hook(ask));
}

inline napi_value removeHook(napi_env env, Arguments& args) {
  args.tensor(0).remove_hook(static_cast<unsigned>(args.integer(1)));
  return undefined(env);
}

}  // namespace fovea
