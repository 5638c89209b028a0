// What `Buffer` does byte by byte in JavaScript, done by the engine or natively where that means the same.

import native from 'lib:internal/native';
import { Buffer } from 'lib:buffer';

const { toBase64, toHex, fill } = Uint8Array.prototype;
const { fromBase64, fromHex } = Uint8Array;

/// What texts are made of bytes by, for names as they are usually written.
const WRITERS = {
    base64: (bytes) => Reflect.apply(toBase64, bytes, []),
    base64url: (bytes) => Reflect.apply(toBase64, bytes, [{ alphabet: 'base64url', omitPadding: true }]),
    hex: (bytes) => Reflect.apply(toHex, bytes, []),
    latin1: native.latin1,
    binary: native.latin1,
    ascii: native.ascii,
};

/// Bytes of a text; they throw where `Buffer` would be lenient.
const READERS = {
    base64: (text) => fromBase64.call(Uint8Array, text),
    base64url: (text) => fromBase64.call(Uint8Array, text, { alphabet: 'base64url' }),
    hex: (text) => fromHex.call(Uint8Array, text),
    latin1: native.fromLatin1,
    binary: native.fromLatin1,
};

const asBuffer = (bytes) => Object.setPrototypeOf(bytes, Buffer.prototype);
const part = (at, length, otherwise) => (at === undefined ? otherwise : Number.isInteger(at) ? Math.min(Math.max(0, at), length) : NaN);
const isBytes = (value) => value instanceof Uint8Array;

export function quicken() {
    const { prototype } = Buffer;
    const { toString, equals, compare, indexOf } = prototype;
    const { from, compare: compareTwo } = Buffer;

    prototype.toString = function (encoding, start, end) {
        const writer = Object.hasOwn(WRITERS, encoding ?? '') && isBytes(this) ? WRITERS[encoding] : undefined;
        const [low, high] = [part(start, this.length, 0), part(end, this.length, this.length)];
        if (!writer || Number.isNaN(low + high)) return Reflect.apply(toString, this, arguments);
        if (high <= low) return '';
        return writer(new Uint8Array(this.buffer, this.byteOffset + low, high - low));
    };

    Buffer.from = function (value, encoding, length) {
        if (typeof value === 'string' && Object.hasOwn(READERS, encoding ?? '')) {
            try {
                return asBuffer(READERS[encoding](value));
            } catch {
                // As far as it goes.
            }
        }
        return Reflect.apply(from, this, arguments.length < 3 ? [value, encoding] : [value, encoding, length]);
    };

    prototype.equals = function (other) {
        if (!isBytes(other) || !isBytes(this)) return Reflect.apply(equals, this, arguments);
        return this === other || (this.length === other.length && native.compareBytes(this, other) === 0);
    };

    prototype.compare = function (other, ...rest) {
        if (rest.length > 0 || !isBytes(other) || !isBytes(this)) return Reflect.apply(compare, this, arguments);
        return native.compareBytes(this, other);
    };

    Buffer.compare = function (a, b) {
        return isBytes(a) && isBytes(b) ? native.compareBytes(a, b) : Reflect.apply(compareTwo, this, arguments);
    };

    prototype.indexOf = function (value, from, encoding) {
        const needle = typeof value === 'string' ? (from === undefined || typeof from === 'number') && (encoding === undefined || encoding === 'utf8') && Buffer.from(value) : value;
        if (!isBytes(needle) || needle.length === 0 || !(from === undefined || (Number.isInteger(from) && from >= 0))) return Reflect.apply(indexOf, this, arguments);
        return native.findBytes(this, needle, from ?? 0);
    };

    prototype.includes = function (value, from, encoding) {
        return this.indexOf(value, from, encoding) !== -1;
    };

    const slow = prototype.fill;
    prototype.fill = function (value, ...rest) {
        if (typeof value !== 'number' || rest.length > 0) return Reflect.apply(slow, this, arguments);
        return Reflect.apply(fill, this, [value & 255]);
    };

    for (const [holder, names] of [[prototype, ['toString', 'equals', 'compare', 'indexOf', 'includes', 'fill']], [Buffer, ['from', 'compare']]]) {
        for (const name of names) {
            Object.defineProperty(holder[name], 'name', { value: name, configurable: true });
            Object.defineProperty(holder, name, { enumerable: holder === prototype, writable: true, configurable: true });
        }
    }
}
