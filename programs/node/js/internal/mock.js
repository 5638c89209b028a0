// Mocks of `node:test`.


class MockFunctionContext {
    #calls = [];
    #implementation;
    #once = new Map();
    #restore;
    constructor(implementation, restore, times) {
        Object.assign(this, { original: implementation.original });
        this.#implementation = implementation.run;
        this.#restore = restore;
        this.times = times;
        for (const name of ['original', 'times']) Object.defineProperty(this, name, { enumerable: false });
    }
    get calls() { return this.#calls.slice(); }
    callCount() { return this.#calls.length; }
    mockImplementation(run) { this.#implementation = run; }
    mockImplementationOnce(run, onCall = this.#calls.length) { this.#once.set(onCall, run); }
    resetCalls() { this.#calls = []; }
    restore() { this.#restore?.(); this.#implementation = this.original; }
    next() {
        const count = this.#calls.length;
        const once = this.#once.get(count);
        this.#once.delete(count);
        return once ?? (count >= this.times ? this.original : this.#implementation);
    }
    record(call) { this.#calls.push(call); }
}
for (const name of ['next', 'record']) Object.defineProperty(MockFunctionContext.prototype, name, { enumerable: false });

function make(original, implementation, restore, times = Infinity) {
    const context = new MockFunctionContext({ original, run: implementation }, restore, times);
    const call = (self, args, target) => {
        const run = context.next();
        const entry = { arguments: args, error: undefined, result: undefined, stack: new Error(), target, this: self };
        try {
            entry.result = target ? Reflect.construct(run, args, target) : Reflect.apply(run, self, args);
            if (target) entry.this = entry.result;
            return entry.result;
        } catch (error) {
            entry.error = error;
            throw error;
        } finally {
            context.record(entry);
        }
    };
    return new Proxy(original, {
        apply: (_, self, args) => call(self, args),
        construct: (_, args, target) => call(undefined, args, target),
        get: (target, name, receiver) => (name === 'mock' ? context : Reflect.get(target, name, receiver)),
    });
}

export class MockTracker {
    #mocks = [];
    #timers;
    get timers() { return (this.#timers ??= new MockTimers()); }

    fn(original = function () {}, implementation = original, options = {}) {
        if (implementation !== null && typeof implementation === 'object') [options, implementation] = [implementation, original];
        const mock = make(original, implementation, undefined, options.times);
        this.#mocks.push(mock);
        return mock;
    }

    method(object, name, implementation, options = {}) {
        if (implementation !== null && typeof implementation === 'object') [options, implementation] = [implementation, undefined];
        let holder = object;
        while (holder && !Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder);
        const descriptor = holder && Object.getOwnPropertyDescriptor(holder, name);
        const kind = options.getter ? 'get' : options.setter ? 'set' : 'value';
        const original = descriptor?.[kind];
        if (typeof original !== 'function') throw Object.assign(new TypeError(`The argument 'methodName' must be a method. Received ${String(original)}`), { code: 'ERR_INVALID_ARG_VALUE' });
        const own = Object.getOwnPropertyDescriptor(object, name);
        const restore = () => {
            if (own) Object.defineProperty(object, name, own);
            else delete object[name];
        };
        const mock = make(original, implementation ?? original, restore, options.times);
        Object.defineProperty(object, name, { ...descriptor, configurable: true, [kind]: mock });
        this.#mocks.push(mock);
        return mock;
    }

    getter(object, name, implementation, options) { return this.method(object, name, implementation, { ...options, getter: true }); }
    setter(object, name, implementation, options) { return this.method(object, name, implementation, { ...options, setter: true }); }
    property(object, name, value) {
        const own = Object.getOwnPropertyDescriptor(object, name);
        object[name] = value;
        this.#mocks.push({ mock: { restore: () => (own ? Object.defineProperty(object, name, own) : delete object[name]) } });
    }
    module() { throw Object.assign(new Error('mock.module() is not available in a sandbox'), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' }); }
    reset() {
        this.restoreAll();
        this.#mocks = [];
    }
    restoreAll() {
        for (const mock of this.#mocks) mock.mock.restore();
        this.#timers?.reset();
    }
}

class MockTimers {
    #now = 0;
    #queue = [];
    #saved;
    #last = 0;
    enable({ apis = ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now = 0 } = {}) {
        if (this.#saved) throw Object.assign(new Error('MockTimers is already enabled!'), { code: 'ERR_INVALID_STATE' });
        this.#now = Number(now);
        this.#saved = {};
        const mocks = {
            setTimeout: (run, delay = 1, ...args) => this.#add(run, delay, args),
            setInterval: (run, delay = 1, ...args) => this.#add(run, delay, args, Math.max(1, delay)),
            setImmediate: (run, ...args) => this.#add(run, -1, args),
        };
        const clear = (timer) => { this.#queue = this.#queue.filter((each) => each !== timer); };
        for (const api of apis) {
            if (api === 'Date') {
                const Real = this.#saved.Date = globalThis.Date;
                const timers = this;
                globalThis.Date = class Date extends Real {
                    constructor(...args) {
                        if (args.length === 0) super(timers.#now);
                        else super(...args);
                    }
                    static now() { return timers.#now; }
                };
                continue;
            }
            const off = api.replace('set', 'clear');
            this.#saved[api] = globalThis[api];
            this.#saved[off] = globalThis[off];
            globalThis[api] = mocks[api];
            globalThis[off] = clear;
        }
    }
    #add(run, delay, args, repeat) {
        const timer = { run, due: this.#now + Math.max(0, delay), args, repeat, order: this.#last++, ref: () => timer, unref: () => timer, hasRef: () => true, [Symbol.toPrimitive]: () => timer.order };
        this.#queue.push(timer);
        return timer;
    }
    tick(ms = 1) {
        const end = this.#now + ms;
        for (;;) {
            const next = this.#queue.filter((each) => each.due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0];
            if (!next) break;
            this.#now = Math.max(this.#now, next.due);
            if (next.repeat) next.due += next.repeat;
            else this.#queue = this.#queue.filter((each) => each !== next);
            next.run(...next.args);
        }
        this.#now = end;
    }
    runAll() { this.tick(Math.max(0, ...this.#queue.map((each) => each.due - this.#now))); }
    setTime(ms) { this.#now = ms; }
    reset() {
        for (const [name, value] of Object.entries(this.#saved ?? {})) globalThis[name] = value;
        this.#saved = undefined;
        this.#queue = [];
        this.#now = 0;
    }
    [Symbol.dispose]() { this.reset(); }
}

export const mock = new MockTracker();
