import native from 'lib:internal/native';
import { Buffer } from 'lib:buffer';
import structuredClone from 'lib:structured_clone';

const statistics = () => {
    const [total, allocated, used] = native.memory();
    return {
        total_heap_size: allocated, total_heap_size_executable: 0, total_physical_size: total, total_available_size: 2 ** 32 - total,
        used_heap_size: used, heap_size_limit: 2 ** 32, malloced_memory: allocated, peak_malloced_memory: total, does_zap_garbage: 0,
        number_of_native_contexts: 1, number_of_detached_contexts: 0, total_global_handles_size: 0, used_global_handles_size: 0, external_memory: 0,
    };
};

// Not V8's format, so what it wrote elsewhere cannot be read here.
const kept = (value) => structuredClone(value);

export default {
    getHeapStatistics: statistics,
    getHeapSpaceStatistics: () => [],
    getHeapCodeStatistics: () => ({ code_and_metadata_size: 0, bytecode_and_metadata_size: 0, external_script_source_size: 0, cpu_profiler_metadata_size: 0 }),
    setFlagsFromString() {},
    serialize: (value) => Buffer.from(JSON.stringify(kept(value))),
    deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
    cachedDataVersionTag: () => 0,
    takeCoverage() {},
    stopCoverage() {},
    startupSnapshot: { isBuildingSnapshot: () => false, addSerializeCallback() {}, addDeserializeCallback() {}, setDeserializeMainFunction() {} },
};
