// How JavaScript calls in: the arguments of one call, and errors on their way out.
#pragma once
#include <array>

#include "values.h"

namespace fovea {

/// A value in words, for errors: tensors by dtype and shape. Arrays may contain themselves: there is an end to it.
inline std::string words(napi_env env, napi_value value, bool isTensor, int depth = 0) {
  auto type = typeOf(env, value);
  if (type == napi_number && isTensor) {
    auto& engine = Engine::of(env);
    auto handle = static_cast<int64_t>(readNumber(env, value));
    if (!engine.has(handle)) return "disposed tensor";
    const auto& tensor = engine.at(handle);
    std::string text = dtypeName(tensor.scalar_type()) + "[";
    for (size_t i = 0; i < tensor.sizes().size(); i++) text += (i ? "," : "") + std::to_string(tensor.sizes()[i]);
    return text + "]" + (tensor.is_cpu() ? "" : " on " + tensor.device().str());
  }
  bool isArray = false;
  check(env, napi_is_array(env, value, &isArray));
  if (isArray) {
    if (depth == 4) return "[…]";
    std::string text;
    auto items = readList(env, value, [](napi_value item) { return item; });
    for (size_t i = 0; i < items.size() && i < 8; i++) text += (i ? ", " : "") + words(env, items[i], isTensor, depth + 1);
    return "[" + text + (items.size() > 8 ? ", … " + std::to_string(items.size()) : "") + "]";
  }
  if (type == napi_string) return "'" + readString(env, value) + "'";
  if (type == napi_object) {
    napi_value constructor, name;
    check(env, napi_get_named_property(env, value, "constructor", &constructor));
    if (typeOf(env, constructor) != napi_function) return "object";
    check(env, napi_get_named_property(env, constructor, "name", &name));
    return readString(env, name);
  }
  if (type == napi_function) return "function";
  if (type == napi_symbol) return "symbol";
  napi_value text;
  check(env, napi_coerce_to_string(env, value, &text));
  return readString(env, text);
}

struct Bytes {
  void* data;
  size_t size;
};

class Arguments;

/// One function of the addon.
struct Function {
  const char* name;
  napi_value (*body)(napi_env, Arguments&);
};

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    count_ = values_.size();
    void* data;
    check(env, napi_get_cb_info(env, info, &count_, values_.data(), nullptr, &data));
    function = static_cast<const Function*>(data);
    if (count_ > values_.size()) {
      count_ = 0;
      throw std::invalid_argument("too many arguments");
    }
  }
  size_t count() const { return count_; }
  napi_value operator[](size_t i) const { return values_[i]; }
  double number(size_t i) const { return readNumber(env_, values_[i]); }
  int64_t integer(size_t i) const { return readInt(env_, values_[i]); }
  bool boolean(size_t i) const { return readBool(env_, values_[i]); }
  bool missing(size_t i) const {
    if (i >= count_) return true;
    auto type = typeOf(env_, values_[i]);
    return type == napi_null || type == napi_undefined;
  }
  std::string string(size_t i) const { return readString(env_, values_[i]); }
  at::Tensor& tensor(size_t i) {
    areTensors_ |= 1u << i;
    return Engine::of(env_).at(static_cast<int64_t>(number(i)));
  }
  std::vector<int64_t> integers(size_t i) const {
    return readList(env_, values_[i], [&](napi_value item) { return readInt(env_, item); });
  }
  std::vector<at::Tensor> tensors(size_t i) {
    areTensors_ |= 1u << i;
    return readList(env_, values_[i], [&](napi_value item) {
      auto type = typeOf(env_, item);
      if (type == napi_null || type == napi_undefined) return at::Tensor();
      return Engine::of(env_).at(static_cast<int64_t>(readNumber(env_, item)));
    });
  }
  Bytes bytes(size_t i) const {
    napi_typedarray_type type;
    size_t length, offset;
    void* data;
    napi_value buffer;
    if (napi_get_typedarray_info(env_, values_[i], &type, &length, &data, &buffer, &offset) != napi_ok)
      throw std::invalid_argument("expected a typed array");
    static constexpr size_t widths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};  // in the order of napi_typedarray_type
    return {data, length * (type < 11 ? widths[type] : 2)};
  }
  /// All of them in words.
  napi_value inWords() const {
    napi_value list;
    check(env_, napi_create_array(env_, &list));
    for (size_t i = 0; i < count_; i++)
      check(env_, napi_set_element(env_, list, i, toString(env_, words(env_, values_[i], areTensors_ >> i & 1))));
    return list;
  }

  const Function* function = nullptr;

 private:
  napi_env env_;
  size_t count_;
  uint32_t areTensors_ = 0;  // bit i: argument i was read as tensors
  std::array<napi_value, 32> values_;
};

/// Throws a TorchError of the function's name and arguments.
inline void throwError(napi_env env, const Arguments& args, const std::string& reason) {
  auto& engine = Engine::of(env);
  napi_value errorClass, error, cause;
  check(env, napi_get_reference_value(env, engine.errorClass, &errorClass));
  napi_value values[] = {toString(env, args.function->name), args.inWords(), toString(env, reason)};
  check(env, napi_new_instance(env, errorClass, 3, values, &error));
  if (auto thrown = std::exchange(engine.thrownByHook, nullptr)) {
    check(env, napi_get_reference_value(env, thrown, &cause));
    napi_delete_reference(env, thrown);
    check(env, napi_set_named_property(env, error, "cause", cause));
  }
  check(env, napi_throw(env, error));
}

/// Every function enters here: C++ errors become TorchErrors, without libtorch's C++ stack.
inline napi_value invoke(napi_env env, napi_callback_info info) {
  std::string reason;
  try {
    Arguments args(env, info);
    try {
      return args.function->body(env, args);
    } catch (const PendingException&) {
      return nullptr;
    } catch (const c10::Error& error) {
      reason = error.what_without_backtrace();
    } catch (const std::bad_alloc&) {
      reason = "out of memory";
    } catch (const std::exception& error) {
      reason = error.what();
    } catch (...) {
      reason = "unknown error";
    }
    throwError(env, args, reason);
  } catch (const PendingException&) {
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, reason.empty() ? error.what() : reason.c_str());
  }
  return nullptr;
}

}  // namespace fovea
