// `crypto`: digests, message authentication, key derivation and randomness. No ciphers and no keys.

import native from 'lib:internal/native';
import { Buffer } from 'lib:buffer';
import { Transform } from 'lib:stream';
import { finish } from 'lib:internal/loop';
import { absent } from 'lib:internal/absent';
import { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } from 'lib:internal/errors';

const coded = (error, code) => Object.assign(error, { code });
const own = new WeakMap();

/// The name by which the native side knows it.
function algorithm(name) {
    if (typeof name !== 'string') throw new ERR_INVALID_ARG_TYPE('algorithm', 'string', name);
    const plain = name.toLowerCase().replace(/^rsa-/, '').replace(/^sha-(\d)/, 'sha$1').replace('/', '-');
    return plain;
}

function bytes(data, encoding, name = 'data') {
    if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' ? 'utf8' : encoding);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'TypedArray', 'DataView'], data);
}

const result = (found, encoding) => {
    const all = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
    return encoding && encoding !== 'buffer' ? all.toString(encoding) : all;
};

class Digest extends Transform {
    constructor(state, options) {
        super(options);
        own.set(this, state);
    }
    update(data, encoding) {
        const state = own.get(this);
        if (!state) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
        native.hashUpdate(state, bytes(data, encoding));
        return this;
    }
    digest(encoding) {
        const state = own.get(this);
        if (!state) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
        own.delete(this);
        return result(native.hashFinish(state), encoding);
    }
    _transform(chunk, encoding, done) {
        this.update(chunk, encoding);
        done();
    }
    _flush(done) {
        this.push(this.digest());
        done();
    }
}

export class Hash extends Digest {
    constructor(name, options) {
        const state = native.hashNew(algorithm(name));
        if (!state) throw coded(new Error('Digest method not supported'), 'ERR_OSSL_EVP_UNSUPPORTED');
        super(state, options);
    }
    copy() {
        const state = own.get(this);
        if (!state) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
        const copy = new Hash('md5');
        own.set(copy, native.hashCopy(state));
        return copy;
    }
}

export class Hmac extends Digest {
    constructor(name, key, options) {
        const state = native.hmacNew(algorithm(name), bytes(key, undefined, 'key'));
        if (!state) throw coded(new Error(`Invalid digest: ${name}`), 'ERR_CRYPTO_INVALID_DIGEST');
        super(state, options);
    }
}

export const createHash = (name, options) => new Hash(name, options);
export const createHmac = (name, key, options) => new Hmac(name, key, options);
export const hash = (name, data, encoding = 'hex') => createHash(name).update(data).digest(encoding);
export const getHashes = () => native.hashes();

// ---- randomness

export function randomBytes(size, callback) {
    if (typeof size !== 'number') throw new ERR_INVALID_ARG_TYPE('size', 'number', size);
    if (!(size >= 0 && size <= 2147483647)) throw new ERR_OUT_OF_RANGE('size', '>= 0 && <= 2147483647', size);
    const made = result(native.randomBytes(size));
    if (typeof callback !== 'function') return made;
    finish(callback, null, made);
    return undefined;
}

export function randomFillSync(target, offset = 0, size) {
    const view = bytes(target, undefined, 'buf');
    view.set(native.randomBytes(size ?? view.length - offset), offset);
    return target;
}

export function randomFill(target, offset, size, callback) {
    if (typeof offset === 'function') [offset, size, callback] = [0, undefined, offset];
    else if (typeof size === 'function') [size, callback] = [undefined, size];
    randomFillSync(target, offset, size);
    finish(callback, null, target);
}

export function randomInt(min, max, callback) {
    if (max === undefined || typeof max === 'function') [min, max, callback] = [0, min, max];
    if (!Number.isSafeInteger(min)) throw new ERR_INVALID_ARG_TYPE('min', 'a safe integer', min);
    if (!Number.isSafeInteger(max)) throw new ERR_INVALID_ARG_TYPE('max', 'a safe integer', max);
    if (max <= min) throw new ERR_OUT_OF_RANGE('max', `greater than the value of "min" (${min})`, max);
    const range = max - min;
    const limit = 2 ** 48 - (2 ** 48 % range);
    let value;
    do value = Buffer.from(native.randomBytes(6)).readUIntBE(0, 6);
    while (value >= limit);
    const found = min + (value % range);
    if (typeof callback !== 'function') return found;
    finish(callback, null, found);
    return undefined;
}

export function randomUUID() {
    const random = native.randomBytes(16);
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    const hex = Buffer.from(random).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function getRandomValues(target) {
    if (!ArrayBuffer.isView(target) || target instanceof Float32Array || target instanceof Float64Array || target instanceof DataView) {
        throw new DOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
    }
    if (target.byteLength > 65536) throw new DOMException(`The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
    return randomFillSync(target);
}

// ---- keys from passwords

export function pbkdf2Sync(password, salt, rounds, length, digest) {
    return result(native.pbkdf2(algorithm(digest), bytes(password), bytes(salt), rounds, length));
}

export function scryptSync(password, salt, length, options = {}) {
    const [N, r, p] = [options.N ?? options.cost ?? 16384, options.r ?? options.blockSize ?? 8, options.p ?? options.parallelization ?? 1];
    if (128 * N * r > (options.maxmem ?? 32 * 1024 * 1024)) throw coded(new RangeError('Invalid scrypt params: memory limit exceeded'), 'ERR_CRYPTO_INVALID_SCRYPT_PARAMS');
    return result(native.scrypt(bytes(password), bytes(salt), [Math.log2(N), r, p], length));
}

export function hkdfSync(digest, key, salt, info, length) {
    const size = createHash(digest).digest().length;
    const secret = createHmac(digest, bytes(salt).length > 0 ? salt : new Uint8Array(size)).update(bytes(key)).digest();
    const blocks = [];
    let last = Buffer.alloc(0);
    for (let count = 1; blocks.length * size < length; count++) {
        last = createHmac(digest, secret).update(last).update(bytes(info)).update(Buffer.from([count])).digest();
        blocks.push(last);
    }
    const all = Buffer.concat(blocks).subarray(0, length);
    return all.buffer.slice(all.byteOffset, all.byteOffset + length);
}

const later = (act) => (...args) => {
    const callback = args.pop();
    let made;
    try {
        made = act(...args);
    } catch (error) {
        if (error instanceof TypeError) throw error;
        finish(callback, error);
        return;
    }
    finish(callback, null, made);
};
export const pbkdf2 = later(pbkdf2Sync);
export const scrypt = later(scryptSync);
export const hkdf = later(hkdfSync);

export function timingSafeEqual(a, b) {
    const [left, right] = [bytes(a, undefined, 'buf1'), bytes(b, undefined, 'buf2')];
    if (left.length !== right.length) throw coded(new RangeError('Input buffers must have the same byte length'), 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH');
    let difference = 0;
    for (let at = 0; at < left.length; at++) difference |= left[at] ^ right[at];
    return difference === 0;
}

const subtle = {
    async digest(name, data) {
        const found = createHash(typeof name === 'string' ? name : name.name).update(bytes(data)).digest();
        return found.buffer.slice(found.byteOffset, found.byteOffset + found.byteLength);
    },
};
for (const name of ['encrypt', 'decrypt', 'sign', 'verify', 'generateKey', 'deriveKey', 'deriveBits', 'importKey', 'exportKey', 'wrapKey', 'unwrapKey']) {
    subtle[name] = async () => { throw new DOMException(`crypto.subtle.${name} is not available in a sandbox`, 'NotSupportedError'); };
}
export const webcrypto = { subtle, getRandomValues, randomUUID };
Object.defineProperty(webcrypto, Symbol.toStringTag, { value: 'Crypto', configurable: true });

const crypto = {
    Hash, Hmac, createHash, createHmac, hash, getHashes, getCiphers: () => [], getCurves: () => [], randomBytes, randomFill, randomFillSync, randomInt, randomUUID,
    getRandomValues, pbkdf2, pbkdf2Sync, scrypt, scryptSync, hkdf, hkdfSync, timingSafeEqual, webcrypto, subtle, pseudoRandomBytes: randomBytes,
    constants: {}, getFips: () => 0, setFips() {}, fips: 0, secureHeapUsed: () => ({ total: 0, used: 0, utilization: 0, min: 0 }), KeyObject: class KeyObject {},
};
for (const name of ['createCipheriv', 'createDecipheriv', 'createSign', 'createVerify', 'sign', 'verify', 'createPublicKey', 'createPrivateKey', 'createSecretKey', 'generateKeyPair', 'generateKeyPairSync', 'generateKey', 'generateKeySync', 'createDiffieHellman', 'getDiffieHellman', 'createECDH', 'publicEncrypt', 'privateDecrypt', 'privateEncrypt', 'publicDecrypt', 'getCipherInfo', 'checkPrime', 'checkPrimeSync', 'generatePrime', 'generatePrimeSync', 'diffieHellman']) {
    crypto[name] = absent(`crypto.${name}`);
}
export const { constants } = crypto;
export default crypto;
