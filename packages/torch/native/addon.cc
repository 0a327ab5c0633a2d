// The whole of the native side: libtorch's dispatcher, autograd engine and a table of tensors for JavaScript.
// It knows no operator by name; `call` converts arguments by the schema that libtorch registered.
#include <dlfcn.h>
#include <malloc.h>

#include <cstring>

#include "arguments.h"
#include "autograd.h"
#include "convert.h"
#include "counting-allocator.h"
#include "engine.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

namespace fovea {

// ---- operators -------------------------------------------------------------------------------------------------

/// operators(): string[] — the schema of every registered operator.
static napi_value operators(napi_env env, Arguments& args) {
  auto& dispatcher = c10::Dispatcher::singleton();
  napi_value list;
  check(env, napi_create_array(env, &list));
  uint32_t count = 0;
  for (const auto& name : dispatcher.getAllOpNames()) {
    auto op = dispatcher.findSchema(name);
    if (op) check(env, napi_set_element(env, list, count++, toString(env, c10::toString(op->schema()))));
  }
  return list;
}

/// lookup("aten::add.Tensor"): {id, schema, parameters, types, returns, aliases} or null. `aliases[i]` is the position of the argument that
/// return i is (in-place and out= operators), or -1 for a new value.
static napi_value lookup(napi_env env, Arguments& args) {
  auto full = args.string(0);
  auto dot = full.find('.', full.find("::") == std::string::npos ? 0 : full.find("::"));
  std::string base = full.substr(0, dot);
  std::string overload = dot == std::string::npos ? "" : full.substr(dot + 1);
  auto op = c10::Dispatcher::singleton().findSchema({base, overload});
  if (!op) return null(env);
  auto& engine = Engine::of(env);
  const auto& schema = op->schema();
  Operator entry{*op, {}, {}, {}};
  napi_value returns, aliases, parameters, types;
  check(env, napi_create_array(env, &returns));
  check(env, napi_create_array(env, &aliases));
  check(env, napi_create_array(env, &parameters));
  check(env, napi_create_array(env, &types));
  for (size_t i = 0; i < schema.arguments().size(); i++) {
    entry.parameters.push_back(describe(schema.arguments()[i]));
    check(env, napi_set_element(env, parameters, i, toString(env, schema.arguments()[i].name())));
    check(env, napi_set_element(env, types, i, toString(env, entry.parameters[i].type)));
  }
  for (size_t i = 0; i < schema.returns().size(); i++) {
    const auto& value = schema.returns()[i];
    int alias = -1;
    const auto* info = value.alias_info();
    if (info && info->isWrite() && !info->beforeSets().empty()) {
      for (size_t a = 0; a < schema.arguments().size() && alias < 0; a++) {
        const auto* from = schema.arguments()[a].alias_info();
        if (from && from->beforeSets() == info->beforeSets()) alias = static_cast<int>(a);
      }
    }
    check(env, napi_set_element(env, returns, i, toString(env, value.real_type()->str())));
    entry.returnsDtype.push_back(value.real_type()->kind() == c10::TypeKind::ScalarTypeType);
    check(env, napi_set_element(env, aliases, i, toNumber(env, alias)));
    entry.aliases.push_back(alias);
  }
  napi_value result;
  check(env, napi_create_object(env, &result));
  check(env, napi_set_named_property(env, result, "id", toNumber(env, engine.operators.size())));
  check(env, napi_set_named_property(env, result, "schema", toString(env, c10::toString(schema))));
  check(env, napi_set_named_property(env, result, "parameters", parameters));
  check(env, napi_set_named_property(env, result, "types", types));
  check(env, napi_set_named_property(env, result, "returns", returns));
  check(env, napi_set_named_property(env, result, "aliases", aliases));
  engine.operators.push_back(std::move(entry));
  return result;
}

/// call(id, ...args): what the operator returns; tensors as handles, a result that is one of the arguments as null.
static napi_value call(napi_env env, Arguments& args) {
  auto& engine = Engine::of(env);
  auto& op = engine.operators.at(args.integer(0));
  const size_t given = args.count() - 1;
  torch::jit::Stack stack;
  stack.reserve(op.parameters.size());
  for (size_t i = 0; i < op.parameters.size(); i++) {
    stack.push_back(toIValue(env, engine, i < given ? args[i + 1] : nullptr, op.parameters[i]));
  }
  op.handle.callBoxed(&stack);
  if (stack.empty()) return undefined(env);
  auto convert = [&](size_t i) {
    if (op.aliases[i] >= 0) return null(env);
    if (op.returnsDtype[i]) return toString(env, dtypeName(static_cast<at::ScalarType>(stack[i].toInt())));
    return fromIValue(env, engine, std::move(stack[i]));
  };
  if (stack.size() == 1) return convert(0);
  napi_value tuple;
  check(env, napi_create_array_with_length(env, stack.size(), &tuple));
  for (size_t i = 0; i < stack.size(); i++) check(env, napi_set_element(env, tuple, i, convert(i)));
  return tuple;
}

// ---- tensors ---------------------------------------------------------------------------------------------------

static napi_value release(napi_env env, Arguments& args) {
  Engine::of(env).release(env, args.integer(0));
  return undefined(env);
}

/// shape(t): number[]
static napi_value shape(napi_env env, Arguments& args) { return fromInts(env, args.tensor(0).sizes()); }

static napi_value stride(napi_env env, Arguments& args) { return fromInts(env, args.tensor(0).strides()); }

static napi_value dtype(napi_env env, Arguments& args) { return toString(env, dtypeName(args.tensor(0).scalar_type())); }

static napi_value device(napi_env env, Arguments& args) { return toString(env, args.tensor(0).device().str()); }

static napi_value isContiguous(napi_env env, Arguments& args) {
  return toBoolean(env, args.tensor(0).is_contiguous(args.boolean(1) ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous));
}

/// item(t): the value of a tensor with one element.
static napi_value item(napi_env env, Arguments& args) { return fromScalar(env, args.tensor(0).item()); }

/// toBytes(t): ArrayBuffer with the elements in row-major order, copied.
static napi_value toBytes(napi_env env, Arguments& args) {
  auto source = args.tensor(0).detach().to(at::kCPU).contiguous();
  void* data;
  napi_value buffer;
  check(env, napi_create_arraybuffer(env, source.nbytes(), &data, &buffer));
  if (source.nbytes()) std::memcpy(data, source.data_ptr(), source.nbytes());
  return buffer;
}

/// fromBuffer(view, dtype, shape): a tensor over the very memory of the typed array, which stays alive with it.
static napi_value fromBuffer(napi_env env, Arguments& args) {
  auto& engine = Engine::of(env);
  auto view = args.bytes(0);
  auto type = parseDtype(args.string(1));
  auto sizes = args.integers(2);
  int64_t wanted = c10::elementSize(type);
  for (auto size : sizes) wanted *= size;
  if (wanted != static_cast<int64_t>(view.size))
    throw std::invalid_argument("the array holds " + std::to_string(view.size) + " bytes, the shape needs " + std::to_string(wanted));
  if (wanted == 0) return toNumber(env, engine.add(env, at::empty(sizes, type)));
  napi_ref keep;
  check(env, napi_create_reference(env, args[0], 1, &keep));
  auto dead = engine.deadReferences;  // outlives the engine: libtorch may drop the storage on any thread, at any time
  auto tensor = at::from_blob(view.data, sizes, [dead, keep](void*) { dead->push(keep); }, at::TensorOptions().dtype(type));
  return toNumber(env, engine.add(env, std::move(tensor)));
}

// ---- process-wide settings -------------------------------------------------------------------------------------

static napi_value setThreads(napi_env env, Arguments& args) {
  at::set_num_threads(static_cast<int>(args.integer(0)));
  return undefined(env);
}

static napi_value threads(napi_env env, Arguments& args) { return toNumber(env, at::get_num_threads()); }

/// setMemoryLimit(bytes): how much CPU tensors may take in all.
static napi_value setMemoryLimit(napi_env env, Arguments& args) {
  double bytes = args.number(0);
  if (!(bytes >= 0)) throw std::invalid_argument("a limit of memory is a number of bytes");
  CountingAllocator::limit = bytes < 0x1p62 ? static_cast<int64_t>(bytes) : std::numeric_limits<int64_t>::max();
  return undefined(env);
}

/// memoryUse(restart): bytes of CPU tensors [now, at most since the last restart].
static napi_value memoryUse(napi_env env, Arguments& args) {
  int64_t now = CountingAllocator::current, most = CountingAllocator::peak;
  if (args.boolean(0)) CountingAllocator::peak = now;
  const int64_t both[] = {now, most};
  return fromInts(env, both);
}

/// setFlag(name, on): switches of libtorch's context. Returns the previous value.
static napi_value setFlag(napi_env env, Arguments& args) {
  auto name = args.string(0);
  bool on = args.boolean(1), before;
  auto& context = at::globalContext();
  if (name == "tf32") {
    before = context.allowTF32CuDNN();
    context.setAllowTF32CuDNN(on);
    context.setAllowTF32CuBLAS(on);
  } else if (name == "deterministic") {
    before = context.deterministicAlgorithms();
    context.setDeterministicAlgorithms(on, true);
    context.setDeterministicCuDNN(on);
  } else if (name == "cudnnBenchmark") {
    before = context.benchmarkCuDNN();
    context.setBenchmarkCuDNN(on);
  } else if (name == "onednn") {
    before = context.userEnabledMkldnn();
    context.setUserEnabledMkldnn(on);
  } else {
    throw std::invalid_argument("unknown flag " + name);
  }
  return toBoolean(env, before);
}

/// setAutocast("cpu" | "cuda", enabled, dtype): the previous [enabled, dtype]. Leaving the outermost region drops the cache of cast weights.
static napi_value setAutocast(napi_env env, Arguments& args) {
  auto device = parseDevice(args.string(0));
  bool cuda = device.is_cuda();
  if (!cuda && !device.is_cpu()) throw std::invalid_argument("mixed precision is for cpu and cuda");
  bool on = args.boolean(1);
  auto type = parseDtype(args.string(2));
  bool wasOn;
  at::ScalarType before;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)  // the per-device functions went away after this
  auto kind = cuda ? at::kCUDA : at::kCPU;
  wasOn = at::autocast::is_autocast_enabled(kind);
  before = at::autocast::get_autocast_dtype(kind);
  at::autocast::set_autocast_enabled(kind, on);
  at::autocast::set_autocast_dtype(kind, type);
#else
  wasOn = cuda ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
  before = cuda ? at::autocast::get_autocast_gpu_dtype() : at::autocast::get_autocast_cpu_dtype();
  cuda ? at::autocast::set_enabled(on) : at::autocast::set_cpu_enabled(on);
  cuda ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
#endif
  if (!on) at::autocast::clear_cache();
  napi_value result;
  check(env, napi_create_array_with_length(env, 2, &result));
  check(env, napi_set_element(env, result, 0, toBoolean(env, wasOn)));
  check(env, napi_set_element(env, result, 1, toString(env, dtypeName(before))));
  return result;
}

static napi_value cudaIsAvailable(napi_env env, Arguments& args) { return toBoolean(env, at::hasCUDA()); }

static napi_value version(napi_env env, Arguments& args) { return toString(env, TORCH_VERSION); }

/// loadLibrary(path): registers the operators of a compiled extension (torchvision's) in the same dispatcher.
static napi_value loadLibrary(napi_env env, Arguments& args) {
  // Python's own symbols stay unresolved on purpose (RTLD_LAZY): no Python runs, only the static registrations do.
  // RTLD_LOCAL: its dependencies (glib among them) must not stand in for what other addons, like sharp, bring along.
  if (!dlopen(args.string(0).c_str(), RTLD_LAZY | RTLD_LOCAL)) throw std::runtime_error(dlerror());
  return undefined(env);
}

// ---- random numbers --------------------------------------------------------------------------------------------

static napi_value createGenerator(napi_env env, Arguments& args) {
  auto& engine = Engine::of(env);
  engine.generators.push_back(at::globalContext().defaultGenerator(at::kCPU).clone());
  engine.generators.back().set_current_seed(static_cast<uint64_t>(args.number(0)));
  return toNumber(env, engine.generators.size() - 1);
}

static at::Generator generatorAt(napi_env env, Arguments& args) {
  auto index = args.integer(0);
  return index < 0 ? at::globalContext().defaultGenerator(at::kCPU) : Engine::of(env).generator(index);
}

static napi_value generatorState(napi_env env, Arguments& args) {
  return toNumber(env, Engine::of(env).add(env, generatorAt(env, args).get_state()));
}

static napi_value setGeneratorState(napi_env env, Arguments& args) {
  generatorAt(env, args).set_state(args.tensor(1));
  return undefined(env);
}

/// seedGenerator(index or -1 for the default, seed). Seeding the default one seeds every CUDA device too, as torch.manual_seed does.
static napi_value seedGenerator(napi_env env, Arguments& args) {
  auto seed = static_cast<uint64_t>(args.number(1));
  if (args.integer(0) < 0) {
    at::manual_seed(seed);
  } else {
    generatorAt(env, args).set_current_seed(seed);
  }
  return undefined(env);
}

// ---- registration ----------------------------------------------------------------------------------------------

/// setErrorClass(TorchError): what the functions here throw, constructed with (function, arguments in words, reason).
static napi_value setErrorClass(napi_env env, Arguments& args) {
  check(env, napi_create_reference(env, args[0], 1, &Engine::of(env).errorClass));
  return undefined(env);
}

/// setInScope(on): whether tensors made from now on are freed by a scope.
static napi_value setInScope(napi_env env, Arguments& args) {
  Engine::of(env).inScope = args.boolean(0);
  return undefined(env);
}

static napi_value init(napi_env env, napi_value exports) {
  // glibc gives big blocks back to the system after every training step and asks for them again, page fault by page fault.
  // Keeping them for reuse made CPU training 1.2–1.5 times as fast on the same libtorch. 32 MiB is what glibc before 2.35 allows.
  if (!mallopt(M_MMAP_THRESHOLD, 1 << 30)) mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);

  // One for the process, however many threads load the addon.
  static CountingAllocator allocator(c10::GetCPUAllocator());
  c10::SetCPUAllocator(&allocator);

  auto* engine = new Engine();
  check(env, napi_set_instance_data(env, engine, [](napi_env, void* data, void*) { delete static_cast<Engine*>(data); }, nullptr));

  static constexpr Function functions[] = {
      {"operators", operators}, {"lookup", lookup}, {"call", call},
      {"release", release}, {"shape", shape}, {"stride", stride}, {"dtype", dtype}, {"device", device},
      {"isContiguous", isContiguous}, {"item", item}, {"toBytes", toBytes}, {"fromBuffer", fromBuffer},
      {"setThreads", setThreads}, {"threads", threads}, {"setMemoryLimit", setMemoryLimit}, {"memoryUse", memoryUse},
      {"setFlag", setFlag}, {"setAutocast", setAutocast},
      {"cudaIsAvailable", cudaIsAvailable}, {"version", version}, {"loadLibrary", loadLibrary},
      {"createGenerator", createGenerator}, {"generatorState", generatorState},
      {"setGeneratorState", setGeneratorState}, {"seedGenerator", seedGenerator},
      {"requiresGrad", requiresGrad}, {"setRequiresGrad", setRequiresGrad}, {"isLeaf", isLeaf}, {"retainGrad", retainGrad},
      {"gradient", gradient}, {"setGradient", setGradient}, {"setData", setData},
      {"backward", backward}, {"gradients", gradients}, {"registerHook", registerHook}, {"removeHook", removeHook},
      {"gradMode", gradMode}, {"setGradMode", setGradMode},
      {"setErrorClass", setErrorClass}, {"setInScope", setInScope},
  };
  for (const auto& function : functions) {
    napi_value value;
    auto* data = const_cast<Function*>(&function);
    check(env, napi_create_function(env, function.name, NAPI_AUTO_LENGTH, invoke, data, &value));
    check(env, napi_set_named_property(env, exports, function.name, value));
  }
  return exports;
}

}  // namespace fovea

NAPI_MODULE_INIT() { return fovea::init(env, exports); }
