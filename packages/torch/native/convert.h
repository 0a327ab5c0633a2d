// JavaScript values ⇄ libtorch values, by the argument types of a schema.
#pragma once
#include <array>
#include <cmath>

#include "engine.h"

#include <ATen/Context.h>
#include <torch/version.h>

namespace fovea {

inline napi_value undefined(napi_env env) {
  napi_value value;
  check(env, napi_get_undefined(env, &value));
  return value;
}

inline napi_value null(napi_env env) {
  napi_value value;
  check(env, napi_get_null(env, &value));
  return value;
}

inline napi_value toNumber(napi_env env, double number) {
  napi_value value;
  check(env, napi_create_double(env, number, &value));
  return value;
}

inline napi_value toBoolean(napi_env env, bool flag) {
  napi_value value;
  check(env, napi_get_boolean(env, flag, &value));
  return value;
}

inline napi_value toString(napi_env env, const std::string& text) {
  napi_value value;
  check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

/// A 64-bit integer: a number where a number holds it exactly, else a bigint.
inline napi_value fromInt(napi_env env, int64_t integer) {
  constexpr int64_t safe = (int64_t{1} << 53) - 1;
  if (integer >= -safe && integer <= safe) return toNumber(env, static_cast<double>(integer));
  napi_value value;
  check(env, napi_create_bigint_int64(env, integer, &value));
  return value;
}

inline napi_value fromInts(napi_env env, at::IntArrayRef integers) {
  napi_value list;
  check(env, napi_create_array_with_length(env, integers.size(), &list));
  for (size_t i = 0; i < integers.size(); i++) check(env, napi_set_element(env, list, i, fromInt(env, integers[i])));
  return list;
}

inline napi_value fromScalar(napi_env env, const at::Scalar& scalar) {
  if (scalar.isBoolean()) return toBoolean(env, scalar.toBool());
  if (scalar.isIntegral(false)) return fromInt(env, scalar.toLong());
  if (scalar.isFloatingPoint()) return toNumber(env, scalar.toDouble());
  throw std::invalid_argument("complex numbers have no JavaScript form");
}

struct DtypeName {
  const char* name;
  at::ScalarType type;
};

constexpr DtypeName kDtypes[] = {
    {"float32", at::kFloat}, {"float64", at::kDouble}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}, {"int64", at::kLong},
    {"int32", at::kInt},     {"int16", at::kShort},    {"int8", at::kChar},    {"uint8", at::kByte},        {"bool", at::kBool},
};

inline std::string dtypeName(at::ScalarType type) {
  for (const auto& entry : kDtypes)
    if (entry.type == type) return entry.name;
  return c10::toString(type);
}

inline at::ScalarType parseDtype(const std::string& name) {
  for (const auto& entry : kDtypes)
    if (name == entry.name) return entry.type;
  std::string known;
  for (const auto& entry : kDtypes) known += std::string(known.empty() ? "" : ", ") + entry.name;
  throw std::invalid_argument("unknown dtype '" + name + "'; there are " + known);
}

inline at::MemoryFormat parseMemoryFormat(const std::string& name) {
  if (name == "contiguous") return at::MemoryFormat::Contiguous;
  if (name == "channels_last") return at::MemoryFormat::ChannelsLast;
  if (name == "preserve") return at::MemoryFormat::Preserve;
  throw std::invalid_argument("unknown memory format '" + name + "'; there are contiguous, channels_last and preserve");
}

inline at::Layout parseLayout(const std::string& name) {
  if (name == "strided") return at::kStrided;
  throw std::invalid_argument("unknown layout '" + name + "'; there is strided");
}

/// `cpu`, `cuda`, `cuda:1` and whatever else libtorch knows.
inline c10::Device parseDevice(const std::string& name) {
  auto device = [&] {
    try {
      return c10::Device(name);
    } catch (const c10::Error&) {
      throw std::invalid_argument("unknown device '" + name + "'; there are cpu, cuda and cuda:<number>");
    }
  }();
  if (device.is_cuda() && !at::hasCUDA()) throw std::invalid_argument("libtorch " TORCH_VERSION " finds no CUDA device here");
  return device;
}

inline napi_valuetype typeOf(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type;
}

inline std::string readString(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) throw std::invalid_argument("expected a string");
  std::string text(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, text.data(), length + 1, &length));
  return text;
}

inline double readNumber(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) throw std::invalid_argument("expected a number");
  return number;
}

inline int64_t readInt(napi_env env, napi_value value) {
  switch (typeOf(env, value)) {
    case napi_number: {
      double number = readNumber(env, value);
      if (number != std::trunc(number) || std::abs(number) >= 0x1p63) throw std::invalid_argument("expected an integer");
      return static_cast<int64_t>(number);
    }
    case napi_bigint: {
      int64_t integer;
      bool lossless;
      check(env, napi_get_value_bigint_int64(env, value, &integer, &lossless));
      if (!lossless) throw std::invalid_argument("the integer does not fit 64 bits");
      return integer;
    }
    default:
      throw std::invalid_argument("expected an integer");
  }
}

inline bool readBool(napi_env env, napi_value value) {
  bool flag;
  if (napi_get_value_bool(env, value, &flag) != napi_ok) throw std::invalid_argument("expected true or false");
  return flag;
}

inline at::Scalar readScalar(napi_env env, napi_value value) {
  auto type = typeOf(env, value);
  if (type == napi_boolean) return readBool(env, value);
  if (type == napi_bigint) return readInt(env, value);
  if (type != napi_number) throw std::invalid_argument("expected a number");
  double number = readNumber(env, value);
  // An integral number is an integer scalar, as in Python: it keeps integer tensors integer.
  if (number == std::trunc(number) && std::abs(number) < 9e15 && !(number == 0 && std::signbit(number))) return static_cast<int64_t>(number);
  return number;
}

template <typename Read>
auto readList(napi_env env, napi_value value, Read read) {
  bool isArray = false;
  check(env, napi_is_array(env, value, &isArray));
  if (!isArray) throw std::invalid_argument("expected an array");
  uint32_t length;
  check(env, napi_get_array_length(env, value, &length));
  std::vector<decltype(read(value))> items;
  items.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    check(env, napi_get_element(env, value, i, &item));
    items.push_back(read(item));
  }
  return items;
}

inline Parameter describe(const c10::Argument& argument) {
  Parameter parameter;
  parameter.name = argument.name();
  auto type = argument.real_type();  // dtypes, layouts and memory formats apart from other integers
  parameter.type = type->str();
  if (argument.default_value()) parameter.defaultValue = *argument.default_value();
  if (argument.N()) parameter.fixedSize = *argument.N();
  if (auto optional = type->cast<c10::OptionalType>()) {
    parameter.optional = true;
    type = optional->getElementType();
  }
  if (auto list = type->cast<c10::ListType>()) {
    parameter.list = true;
    type = list->getElementType();
    if (auto item = type->cast<c10::OptionalType>()) {
      parameter.optionalItems = true;
      type = item->getElementType();
    }
  }
  switch (type->kind()) {
    case c10::TypeKind::TensorType: parameter.kind = Parameter::Tensor; break;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: parameter.kind = Parameter::Int; break;
    case c10::TypeKind::ScalarTypeType: parameter.kind = Parameter::Dtype; break;
    case c10::TypeKind::LayoutType: parameter.kind = Parameter::Layout; break;
    case c10::TypeKind::MemoryFormatType: parameter.kind = Parameter::MemoryFormat; break;
    case c10::TypeKind::FloatType: parameter.kind = Parameter::Float; break;
    case c10::TypeKind::BoolType: parameter.kind = Parameter::Bool; break;
    case c10::TypeKind::NumberType: parameter.kind = Parameter::Scalar; break;
    case c10::TypeKind::StringType: parameter.kind = Parameter::String; break;
    case c10::TypeKind::DeviceObjType: parameter.kind = Parameter::Device; break;
    case c10::TypeKind::GeneratorType: parameter.kind = Parameter::Generator; break;
    default: parameter.kind = Parameter::Other;
  }
  return parameter;
}

inline c10::IValue readItem(napi_env env, Engine& engine, napi_value value, const Parameter& parameter) {
  switch (parameter.kind) {
    case Parameter::Tensor: return engine.at(static_cast<int64_t>(readNumber(env, value)));
    case Parameter::Int: return readInt(env, value);
    case Parameter::Float: return readNumber(env, value);
    case Parameter::Bool: return readBool(env, value);
    case Parameter::Scalar: return readScalar(env, value);
    case Parameter::String: return readString(env, value);
    case Parameter::Device: return parseDevice(readString(env, value));
    case Parameter::Dtype: return static_cast<int64_t>(parseDtype(readString(env, value)));
    case Parameter::Layout: return static_cast<int64_t>(parseLayout(readString(env, value)));
    case Parameter::MemoryFormat: return static_cast<int64_t>(parseMemoryFormat(readString(env, value)));
    case Parameter::Generator: return engine.generator(readInt(env, value));
    case Parameter::Other: break;
  }
  throw std::invalid_argument("values of type " + parameter.type + " have no JavaScript form");
}

inline c10::IValue readListValue(napi_env env, Engine& engine, napi_value value, const Parameter& parameter) {
  bool isArray = false;
  check(env, napi_is_array(env, value, &isArray));
  if (parameter.kind == Parameter::Int || parameter.kind == Parameter::Float) {
    const bool spread = !isArray && parameter.fixedSize > 0;
    if (parameter.kind == Parameter::Int) {
      auto read = [&](napi_value item) { return readInt(env, item); };
      return c10::List<int64_t>(spread ? std::vector<int64_t>(parameter.fixedSize, read(value)) : readList(env, value, read));
    }
    auto read = [&](napi_value item) { return readNumber(env, item); };
    return c10::List<double>(spread ? std::vector<double>(parameter.fixedSize, read(value)) : readList(env, value, read));
  }
  if (parameter.kind == Parameter::Bool) {
    c10::List<bool> flags;
    if (!isArray && parameter.fixedSize > 0) {
      for (int i = 0; i < parameter.fixedSize; i++) flags.push_back(readBool(env, value));
    } else {
      for (bool flag : readList(env, value, [&](napi_value item) { return readBool(env, item); })) flags.push_back(flag);
    }
    return flags;
  }
  if (parameter.kind == Parameter::Tensor && parameter.optionalItems) {
    c10::List<OptionalTensor> tensors;
    auto read = [&](napi_value item) -> OptionalTensor {
      auto type = typeOf(env, item);
      if (type == napi_null || type == napi_undefined) return {};
      return engine.at(static_cast<int64_t>(readNumber(env, item)));
    };
    for (auto& tensor : readList(env, value, read)) tensors.push_back(tensor);
    return tensors;
  }
  if (parameter.kind == Parameter::Tensor) {
    return c10::List<at::Tensor>(readList(env, value, [&](napi_value item) { return engine.at(static_cast<int64_t>(readNumber(env, item))); }));
  }
  if (parameter.kind == Parameter::Scalar) {
    c10::List<at::Scalar> scalars;
    for (auto& scalar : readList(env, value, [&](napi_value item) { return readScalar(env, item); })) scalars.push_back(scalar);
    return scalars;
  }
  throw std::invalid_argument("values of type " + parameter.type + " have no JavaScript form");
}

/// One argument. `value` is null where the caller gave fewer; undefined means the schema's default, null means None.
inline c10::IValue toIValue(napi_env env, Engine& engine, napi_value value, const Parameter& parameter) {
  auto type = value ? typeOf(env, value) : napi_undefined;
  try {
    if (type == napi_undefined) {
      if (parameter.defaultValue) return *parameter.defaultValue;
      if (parameter.optional) return c10::IValue();
      throw std::invalid_argument("is missing");
    }
    if (type == napi_null) {
      if (parameter.optional) return c10::IValue();
      throw std::invalid_argument("must not be null");
    }
    return parameter.list ? readListValue(env, engine, value, parameter) : readItem(env, engine, value, parameter);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("argument " + parameter.name + " (" + parameter.type + "): " + error.what());
  }
}

/// Results. A tensor becomes a new handle, None and undefined tensors become null.
inline napi_value fromIValue(napi_env env, Engine& engine, c10::IValue&& value) {
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return null(env);
    return toNumber(env, engine.add(env, std::move(value).toTensor()));
  }
  if (value.isNone()) return null(env);
  if (value.isBool()) return toBoolean(env, value.toBool());
  if (value.isInt()) return fromInt(env, value.toInt());
  if (value.isDouble()) return toNumber(env, value.toDouble());
  if (value.isString()) return toString(env, value.toStringRef());
  if (value.isDevice()) return toString(env, value.toDevice().str());
  if (value.isScalar()) return fromScalar(env, value.toScalar());
  if (value.isList() || value.isTuple()) {
    auto items = value.isTuple() ? std::vector<c10::IValue>(value.toTupleRef().elements().begin(), value.toTupleRef().elements().end())
                                 : std::vector<c10::IValue>(value.toListRef().begin(), value.toListRef().end());
    value = c10::IValue();  // let go of the list, so that each item's storage has one owner again
    napi_value list;
    check(env, napi_create_array_with_length(env, items.size(), &list));
    for (size_t i = 0; i < items.size(); i++) check(env, napi_set_element(env, list, i, fromIValue(env, engine, std::move(items[i]))));
    return list;
  }
  throw std::runtime_error("a result of type " + value.tagKind() + " has no JavaScript form");
}

// ---- how JavaScript calls in -----------------------------------------------------------------------------------

/// A value in words, for errors: tensors by dtype and shape.
inline std::string words(napi_env env, napi_value value, bool isTensor) {
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
    std::string text;
    auto items = readList(env, value, [](napi_value item) { return item; });
    for (size_t i = 0; i < items.size() && i < 8; i++) text += (i ? ", " : "") + words(env, items[i], isTensor);
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
