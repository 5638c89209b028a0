// Globals and functions that neither the engine nor the taken modules have.

import native from 'lib:internal/native';
import { errorMap } from 'lib:internal/syserror';
import { Event } from 'lib:events';
import { TransformStream } from 'lib:webstreams';
import zlib from 'lib:zlib';
import { Buffer } from 'lib:buffer';

const change = (act) => (array, index, value) => {
    const before = array[index];
    array[index] = act(before, value);
    return before;
};

/// With one thread each operation is atomic, and waiting is sleeping.
export const Atomics = {
    load: (array, index) => array[index],
    store: (array, index, value) => ((array[index] = value), value),
    add: change((a, b) => a + b),
    sub: change((a, b) => a - b),
    and: change((a, b) => a & b),
    or: change((a, b) => a | b),
    xor: change((a, b) => a ^ b),
    exchange: change((_, b) => b),
    compareExchange(array, index, expected, value) {
        const before = array[index];
        if (before === expected) array[index] = value;
        return before;
    },
    isLockFree: (size) => [1, 2, 4, 8].includes(size),
    notify: () => 0,
    wait(array, index, value, timeout = Infinity) {
        if (array[index] !== value) return 'not-equal';
        if (timeout === Infinity) throw new Error('Atomics.wait would wait for ever: there is one thread');
        native.sleep(Math.max(0, Number(timeout)));
        return 'timed-out';
    },
};
Object.defineProperty(Atomics, Symbol.toStringTag, { value: 'Atomics', configurable: true });

export class MessageEvent extends Event {
    constructor(type, init = {}) {
        super(type, init);
        Object.assign(this, { data: init.data ?? null, origin: init.origin ?? '', lastEventId: init.lastEventId ?? '', source: init.source ?? null, ports: init.ports ?? [] });
    }
}

function through(kinds) {
    return class extends TransformStream {
        constructor(format) {
            const make = kinds[format];
            if (!make) throw Object.assign(new TypeError(`The argument 'format' must be one of: ${Object.keys(kinds).map((kind) => `'${kind}'`).join(', ')}. Received '${format}'`), { code: 'ERR_INVALID_ARG_VALUE' });
            const pieces = [];
            super({
                transform(chunk) { pieces.push(Buffer.from(chunk.buffer ?? chunk, chunk.byteOffset, chunk.byteLength)); },
                flush(controller) { controller.enqueue(new Uint8Array(make(Buffer.concat(pieces)))); },
            });
        }
    };
}
export const CompressionStream = through({ gzip: zlib.gzipSync, deflate: zlib.deflateSync, 'deflate-raw': zlib.deflateRawSync });
export const DecompressionStream = through({ gzip: zlib.gunzipSync, deflate: zlib.inflateSync, 'deflate-raw': zlib.inflateRawSync });

export const getSystemErrorMap = errorMap;
export const getSystemErrorName = (number) => errorMap().get(number)?.[0];
export const getSystemErrorMessage = (number) => errorMap().get(number)?.[1];

export function transcode(source, from, to) {
    return Buffer.from(Buffer.from(source).toString(from), to);
}

/// The methods that go by a locale, which the engine has without one.
export function localise(Intl) {
    // These are handed on without their object.
    for (const [Class, name] of [[Intl.NumberFormat, 'format'], [Intl.DateTimeFormat, 'format']]) {
        const method = Class.prototype[name];
        Object.defineProperty(Class.prototype, name, { configurable: true, get() { return method.bind(this); } });
    }
    Object.defineProperty(Intl.Collator.prototype, 'compare', {
        configurable: true,
        get() {
            const { numeric, sensitivity } = this.resolvedOptions();
            return (a, b) => collate(`${a}`, `${b}`, numeric, sensitivity);
        },
    });
    const methods = [
        [Number.prototype, 'toLocaleString', (value, ...rest) => new Intl.NumberFormat(...rest).format(value)],
        [BigInt.prototype, 'toLocaleString', (value, ...rest) => new Intl.NumberFormat(...rest).format(value)],
        [String.prototype, 'localeCompare', (value, other, _, options) => collate(`${value}`, `${other}`, options?.numeric, options?.sensitivity)],
        [Date.prototype, 'toLocaleString', (value, locale, options) => dated(Intl, value, locale, options, 'date', 'time')],
        [Date.prototype, 'toLocaleDateString', (value, locale, options) => dated(Intl, value, locale, options, 'date')],
        [Date.prototype, 'toLocaleTimeString', (value, locale, options) => dated(Intl, value, locale, options, 'time')],
    ];
    for (const [prototype, name, act] of methods) {
        const method = { [name](...args) { return act(prototype === Date.prototype ? this : this.valueOf(), ...args); } }[name];
        Object.defineProperty(prototype, name, { value: method, writable: true, configurable: true });
    }
}

const DATE = { year: 'numeric', month: 'numeric', day: 'numeric' };
const TIME = { hour: 'numeric', minute: '2-digit', second: '2-digit' };
const PARTS = { date: ['weekday', 'year', 'month', 'day', 'dateStyle'], time: ['hour', 'minute', 'second', 'dayPeriod', 'fractionalSecondDigits', 'timeStyle'] };

function dated(Intl, date, locale, options = {}, ...wanted) {
    if (Number.isNaN(date.getTime())) return 'Invalid Date';
    const asked = [...PARTS.date, ...PARTS.time].some((name) => (wanted.length === 2 || PARTS[wanted[0]].includes(name) ? options[name] !== undefined : false));
    const defaults = asked ? {} : { ...(wanted.includes('date') ? DATE : {}), ...(wanted.includes('time') ? TIME : {}) };
    return new Intl.DateTimeFormat(locale, { ...defaults, ...options }).format(date);
}

const PLAIN = /^[\0-\x7f]*$/;
const bare = (text) => (PLAIN.test(text) ? text : text.normalize('NFD').replace(/\p{M}/gu, ''));
const rank = (letter) => (/\p{L}/u.test(letter) ? 2 : /\p{N}/u.test(letter) ? 1 : 0);
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function letters(a, b) {
    const [left, right] = [[...a], [...b]];
    for (let at = 0; at < left.length && at < right.length; at++) {
        if (left[at] === right[at]) continue;
        return rank(left[at]) - rank(right[at]) || order(left[at], right[at]);
    }
    return left.length - right.length;
}

function numbers(a, b) {
    const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
    for (let at = 0; at < left.length && at < right.length; at++) {
        const [x, y] = [left[at], right[at]];
        const difference = /^\d/.test(x) && /^\d/.test(y) ? order(BigInt(x), BigInt(y)) : letters(x, y);
        if (difference !== 0) return difference;
    }
    return left.length - right.length;
}

/// First by letters, then by accents, then lower case before upper.
function collate(a, b, numeric, sensitivity = 'variant') {
    if (a === b) return 0;
    const compare = numeric ? numbers : letters;
    const [left, right] = [bare(a), bare(b)];
    let found = compare(left.toLowerCase(), right.toLowerCase());
    if (found === 0 && (sensitivity === 'variant' || sensitivity === 'accent')) found = order(a.toLowerCase().normalize('NFD'), b.toLowerCase().normalize('NFD'));
    if (found === 0 && (sensitivity === 'variant' || sensitivity === 'case')) found = order(right, left);
    return Math.sign(found);
}

const RUN = 64;

/// Sorts few elements as V8 does: comparisons that contradict themselves are common, and their outcome is relied on.
// As V8 does: what a date prints names its zone behind the offset. A sandbox has no other zone than this one.
export function nameTimeZone() {
    for (const name of ['toString', 'toTimeString']) {
        const plain = Date.prototype[name];
        const method = { [name]() {
            const text = plain.call(this);
            return text.endsWith('GMT+0000') ? `${text} (Coordinated Universal Time)` : text;
        } }[name];
        Object.defineProperty(Date.prototype, name, { value: method, writable: true, configurable: true });
    }
}

export function sortAsV8() {
    const { sort, toSorted } = Array.prototype;
    const insert = (list, compare) => {
        let run = 2;
        const descends = compare(list[1], list[0]) < 0;
        while (run < list.length && compare(list[run], list[run - 1]) < 0 === descends) run += 1;
        if (descends) {
            for (let low = 0, high = run - 1; low < high; low++, high--) [list[low], list[high]] = [list[high], list[low]];
        }
        for (let at = run; at < list.length; at++) {
            const pivot = list[at];
            let [left, right] = [0, at];
            while (left < right) {
                const middle = (left + right) >> 1;
                if (compare(pivot, list[middle]) < 0) right = middle;
                else left = middle + 1;
            }
            for (let to = at; to > left; to--) list[to] = list[to - 1];
            list[left] = pivot;
        }
    };
    const few = (array, compare) => typeof compare === 'function' && Array.isArray(array) && array.length < RUN && array.length > 1;
    const sorted = (array, compare) => {
        const list = [];
        let missing = 0;
        for (let at = 0; at < array.length; at++) {
            if (array[at] !== undefined) list.push(array[at]);
            else if (at in array) missing += 1;
        }
        if (list.length > 1) insert(list, compare);
        for (; missing > 0; missing--) list.push(undefined);
        return list;
    };
    const methods = {
        sort(compare) {
            if (!few(this, compare)) return Reflect.apply(sort, this, [compare]);
            const { length } = this;
            const list = sorted(this, compare);
            for (let at = 0; at < list.length; at++) this[at] = list[at];
            for (let at = list.length; at < length; at++) delete this[at];
            return this;
        },
        toSorted(compare) {
            return few(this, compare) ? sorted(Array.from(this), compare) : Reflect.apply(toSorted, this, [compare]);
        },
    };
    for (const [name, value] of Object.entries(methods)) Object.defineProperty(Array.prototype, name, { value, writable: true, configurable: true });
}

/// The class with the errors of Node.js, and with `parse`.
export function completeUrl(URL) {
    const given = (base) => base !== undefined;
    const canParse = URL.canParse.bind(URL);
    const invalid = (address, base) => Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: `${address}`, ...(given(base) ? { base: `${base}` } : {}) });
    const complete = new Proxy(URL, {
        construct(_, args, target) {
            if (args.length === 0) throw Object.assign(new TypeError('The "url" argument must be specified'), { code: 'ERR_MISSING_ARGS' });
            const [address, base] = args;
            try {
                return Reflect.construct(URL, given(base) ? [address, base] : [address], target === complete ? URL : target);
            } catch {
                throw invalid(address, base);
            }
        },
    });
    URL.canParse = (address, base) => (given(base) ? canParse(address, base) : canParse(address));
    URL.parse = (address, base) => (URL.canParse(address, base) ? new complete(address, base) : null);
    const shown = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash'];
    Object.defineProperty(URL.prototype, Symbol.for('nodejs.util.inspect.custom'), {
        value(depth, options, inspect) {
            if (depth < 0) return '[URL]';
            return `URL ${inspect(Object.fromEntries(shown.map((name) => [name, this[name]])), options)}`;
        },
        writable: true,
        configurable: true,
    });
    Object.defineProperty(URL.prototype, 'constructor', { value: complete, writable: true, configurable: true });
    return complete;
}
