// JavaScript values ⇄ libtorch values, by the argument types of a schema.
#pragma once
#include "values.h"

namespace fovea {

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

}  // namespace fovea
