// `vm`: scripts in this realm or in a new one. Neither is a wall; the sandbox is.

import native from 'lib:internal/native';
import { inspect } from 'lib:internal/util/inspect';

const contexts = new WeakMap();
const named = (options) => (typeof options === 'string' ? options : options?.filename) ?? 'evalmachine.<anonymous>';

export function createContext(object = {}, options) {
    void options;
    if (object === null || (typeof object !== 'object' && typeof object !== 'function')) {
        throw Object.assign(new TypeError(`The "contextObject" argument must be an object. Received ${inspect(object)}`), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    if (!contexts.has(object)) {
        const realm = native.freshContext();
        contexts.set(object, { realm, own: new Set(Object.getOwnPropertyNames(realm)) });
    }
    return object;
}

export const isContext = (object) => contexts.has(object);

/// The object's properties become globals of its realm, and what the script leaves there goes back.
function within(object, code, filename) {
    const { realm, own } = contexts.get(object);
    for (const name of Object.getOwnPropertyNames(object)) {
        Object.defineProperty(realm, name, { configurable: true, enumerable: true, get: () => object[name], set: (value) => { object[name] = value; } });
    }
    try {
        return realm.eval(filename ? `${code}\n//# sourceURL=${filename}` : code);
    } finally {
        for (const name of Object.getOwnPropertyNames(realm)) {
            const descriptor = Object.getOwnPropertyDescriptor(realm, name);
            if (own.has(name) || descriptor.get) continue;
            object[name] = descriptor.value;
        }
    }
}

export class Script {
    #code;
    #filename;
    constructor(code, options) {
        this.#code = `${code}`;
        this.#filename = named(options);
        // Says now what is wrong with it.
        native.evaluate(`(function () {\n${this.#code}\n})`, this.#filename);
        this.cachedDataRejected = false;
    }
    runInThisContext() { return native.evaluate(this.#code, this.#filename); }
    runInContext(object) {
        if (!isContext(object)) throw Object.assign(new TypeError('The "contextifiedObject" argument must be an vm.Context'), { code: 'ERR_INVALID_ARG_TYPE' });
        return within(object, this.#code, this.#filename);
    }
    runInNewContext(object) { return this.runInContext(createContext(object)); }
    createCachedData() { return new Uint8Array(0); }
}

export const runInThisContext = (code, options) => native.evaluate(`${code}`, named(options));
export const runInContext = (code, object, options) => new Script(code, options).runInContext(object);
export const runInNewContext = (code, object, options) => new Script(code, options).runInNewContext(object);

export function compileFunction(code, parameters = [], options = {}) {
    return native.evaluate(`(function (${parameters.join(', ')}) {${code}\n})`, named(options));
}

export default {
    Script, createContext, isContext, runInThisContext, runInContext, runInNewContext, compileFunction,
    createScript: (code, options) => new Script(code, options), constants: { USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol('vm_dynamic_import_main_context_default'), DONT_CONTEXTIFY: Symbol('vm_context_no_contextify') },
    measureMemory: async () => ({ total: { jsMemoryEstimate: native.memory()[2], jsMemoryRange: [0, native.memory()[2]] } }),
};
