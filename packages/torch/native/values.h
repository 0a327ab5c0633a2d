// Single JavaScript values ⇄ numbers, strings, scalars and libtorch's enumerations.
#pragma once
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

}  // namespace fovea
