import { addImmediate, addTimer, referTimer, removeTimer } from 'lib:internal/loop';
import { context } from 'lib:internal/context';
import { ERR_INVALID_ARG_TYPE } from 'lib:internal/errors';

const DELAY_MAX = 2 ** 31 - 1;
const known = new Map();
let lastId = 0;

function check(callback) {
    if (typeof callback !== 'function') throw new ERR_INVALID_ARG_TYPE('callback', 'function', callback);
}

function duration(delay) {
    delay = +delay;
    if (delay > DELAY_MAX) {
        process.emitWarning(`${delay} does not fit into a 32-bit signed integer.\nTimeout duration was set to 1.`, 'TimeoutOverflowWarning');
        return 1;
    }
    return delay >= 1 ? Math.trunc(delay) : 1;
}

export class Timeout {
    constructor(callback, delay, args, repeat) {
        this._idleTimeout = duration(delay);
        this._onTimeout = callback;
        this._repeat = repeat ? this._idleTimeout : null;
        this._destroyed = false;
        Object.defineProperties(this, {
            args: { value: args },
            referenced: { value: true, writable: true },
            entry: { value: null, writable: true },
            context: { value: context.current },
            id: { value: 0, writable: true },
        });
        addTimer(this, this._idleTimeout);
    }

    fire() {
        try {
            this._onTimeout(...this.args);
        } finally {
            if (this._repeat !== null && !this._destroyed) {
                if (!this.entry) addTimer(this, this._repeat);
            } else if (!this.entry) {
                this.forget();
            }
        }
    }

    forget() {
        this._destroyed = true;
        if (this.id) known.delete(this.id);
    }

    ref() {
        referTimer(this, true);
        return this;
    }

    unref() {
        referTimer(this, false);
        return this;
    }

    hasRef() {
        return this.referenced;
    }

    refresh() {
        if (this._onTimeout === null) return this;
        removeTimer(this);
        this._destroyed = false;
        addTimer(this, this._idleTimeout);
        return this;
    }

    close() {
        clearTimeout(this);
        return this;
    }

    [Symbol.toPrimitive]() {
        if (!this.id) {
            this.id = ++lastId;
            known.set(this.id, this);
        }
        return this.id;
    }

    [Symbol.dispose]() {
        clearTimeout(this);
    }
}
for (const name of ['fire', 'forget']) Object.defineProperty(Timeout.prototype, name, { enumerable: false });

export class Immediate {
    constructor(callback, args) {
        Object.defineProperties(this, {
            callback: { value: callback, writable: true },
            args: { value: args },
            referenced: { value: true, writable: true },
            context: { value: context.current },
        });
        addImmediate(this);
    }

    fire() {
        const callback = this.callback;
        this.callback = null;
        callback(...this.args);
    }

    ref() {
        this.referenced = true;
        return this;
    }

    unref() {
        this.referenced = false;
        return this;
    }

    hasRef() {
        return this.referenced;
    }

    [Symbol.dispose]() {
        clearImmediate(this);
    }
}

export function setTimeout(callback, delay, ...args) {
    check(callback);
    return new Timeout(callback, delay, args, false);
}

export function setInterval(callback, delay, ...args) {
    check(callback);
    return new Timeout(callback, delay, args, true);
}

export function setImmediate(callback, ...args) {
    check(callback);
    return new Immediate(callback, args);
}

export function clearTimeout(timer) {
    if (typeof timer === 'number' || typeof timer === 'string') timer = known.get(+timer);
    if (!(timer instanceof Timeout) || timer._destroyed) return;
    removeTimer(timer);
    timer._repeat = null;
    timer._onTimeout = null;
    timer.forget();
}

export const clearInterval = clearTimeout;

export function clearImmediate(immediate) {
    if (immediate instanceof Immediate) immediate.callback = null;
}

function abortable(signal, cancel, settle) {
    if (!signal) return () => {};
    const abort = () => {
        cancel();
        const error = new Error('The operation was aborted', { cause: signal.reason });
        error.name = 'AbortError';
        error.code = 'ABORT_ERR';
        settle(error);
    };
    if (signal.aborted) {
        abort();
        return () => {};
    }
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
}

export const promises = {
    setTimeout(delay, value, options = {}) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => { done(); resolve(value); }, delay);
            if (options.ref === false) timer.unref();
            const done = abortable(options.signal, () => clearTimeout(timer), reject);
        });
    },
    setImmediate(value, options = {}) {
        return new Promise((resolve, reject) => {
            const immediate = setImmediate(() => { done(); resolve(value); });
            if (options.ref === false) immediate.unref();
            const done = abortable(options.signal, () => clearImmediate(immediate), reject);
        });
    },
    async *setInterval(delay, value, options = {}) {
        for (;;) yield await promises.setTimeout(delay, value, options);
    },
};
promises.scheduler = {
    wait: (delay, options) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
};

setTimeout[Symbol.for('nodejs.util.promisify.custom')] = promises.setTimeout;
setImmediate[Symbol.for('nodejs.util.promisify.custom')] = promises.setImmediate;

export default { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises };
