// AsyncLocalStorage and AsyncResource. `createHook` takes hooks and calls none.

import native from 'lib:internal/native';
import { context, runIn } from 'lib:internal/context';

const contexts = new WeakMap();
const outer = [];
let following = false;

/// From now on promises, and what waits for them, carry the context of where they were made.
function follow() {
    if (following) return;
    following = true;
    native.setPromiseHook((event, carrier) => {
        if (event === 0) {
            if (context.current !== undefined) contexts.set(carrier, context.current);
            else contexts.delete(carrier);
        } else if (event === 1) {
            outer.push(context.current);
            context.current = contexts.get(carrier);
        } else {
            context.current = outer.pop();
        }
    });
    // One function may wait for several promises.
    const { then } = Promise.prototype;
    const own = (callback) => (typeof callback === 'function' && context.current !== undefined ? AsyncLocalStorage.bind(callback) : callback);
    Object.defineProperty(Promise.prototype, 'then', {
        value: function then_(onFulfilled, onRejected) {
            return Reflect.apply(then, this, [own(onFulfilled), own(onRejected)]);
        },
        writable: true,
        configurable: true,
    });
    Object.defineProperty(Promise.prototype.then, 'name', { value: 'then' });
}

export class AsyncLocalStorage {
    constructor(options) {
        this.name = options?.name ?? '';
        this.defaultValue = options?.defaultValue;
    }

    getStore() {
        const stores = context.current;
        return stores !== undefined && stores.has(this) ? stores.get(this) : this.defaultValue;
    }

    enterWith(store) {
        follow();
        context.current = new Map(context.current).set(this, store);
    }

    run(store, callback, ...args) {
        follow();
        return runIn(new Map(context.current).set(this, store), callback, undefined, args);
    }

    exit(callback, ...args) {
        return this.run(undefined, callback, ...args);
    }

    disable() {
        const stores = new Map(context.current);
        stores.delete(this);
        context.current = stores;
    }

    static bind(callback) {
        const mine = context.current;
        return function bound(...args) {
            return runIn(mine, callback, this, args);
        };
    }

    static snapshot() {
        return AsyncLocalStorage.bind((callback, ...args) => callback(...args));
    }
}

let lastId = 1;

export class AsyncResource {
    #context = context.current;
    #id = ++lastId;

    constructor(type) {
        if (typeof type !== 'string') {
            const error = new TypeError(`The "type" argument must be of type string. Received ${typeof type}`);
            error.code = 'ERR_INVALID_ARG_TYPE';
            throw error;
        }
        this.type = type;
    }

    runInAsyncScope(callback, self, ...args) {
        return runIn(this.#context, callback, self, args);
    }

    bind(callback, self) {
        const resource = this;
        return function bound(...args) {
            return resource.runInAsyncScope(callback, self === undefined ? this : self, ...args);
        };
    }

    static bind(callback, type, self) {
        return new AsyncResource(type || callback.name || 'bound-anonymous-fn').bind(callback, self);
    }

    asyncId() { return this.#id; }
    triggerAsyncId() { return 1; }
    emitDestroy() { return this; }
}

export const createHook = () => {
    const hook = { enable: () => hook, disable: () => hook };
    return hook;
};
export const executionAsyncId = () => 1;
export const triggerAsyncId = () => 0;
export const executionAsyncResource = () => ({});
export const asyncWrapProviders = Object.freeze({});

export default {
    AsyncLocalStorage, AsyncResource, createHook, executionAsyncId, triggerAsyncId, executionAsyncResource, asyncWrapProviders,
};
