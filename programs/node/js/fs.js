// `fs`. Each function does its work at once; those with a callback tell it in a turn of its own.

import native from 'lib:internal/native';
import { finish } from 'lib:internal/loop';
import { checked, systemError } from 'lib:internal/syserror';
import { readStdin, readStdinSome, writeBytes } from 'lib:internal/stdio';
import { builtin } from 'lib:internal/registry';
import { Buffer } from 'lib:buffer';
import { Readable, Writable } from 'lib:stream';
import path from 'lib:path';
import process from 'lib:process';
import EventEmitter from 'lib:events';
import { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE } from 'lib:internal/errors';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW } = native.openFlags;

// The numbers are Linux's, which programs know by heart; `nativeFlags` turns them into those of WASI.
export const constants = Object.freeze({
    UV_FS_SYMLINK_DIR: 1, UV_FS_SYMLINK_JUNCTION: 2, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, UV_DIRENT_UNKNOWN: 0, UV_DIRENT_FILE: 1,
    UV_DIRENT_DIR: 2, UV_DIRENT_LINK: 3, UV_DIRENT_FIFO: 4, UV_DIRENT_SOCKET: 5, UV_DIRENT_CHAR: 6, UV_DIRENT_BLOCK: 7,
    S_IFMT: 61440, S_IFREG: 32768, S_IFDIR: 16384, S_IFCHR: 8192, S_IFBLK: 24576, S_IFIFO: 4096, S_IFLNK: 40960, S_IFSOCK: 49152,
    O_CREAT: 64, O_EXCL: 128, UV_FS_O_FILEMAP: 0, O_NOCTTY: 256, O_TRUNC: 512, O_APPEND: 1024, O_DIRECTORY: 65536, O_NOATIME: 262144,
    O_NOFOLLOW: 131072, O_SYNC: 1052672, O_DSYNC: 4096, O_DIRECT: 16384, O_NONBLOCK: 2048, S_IRWXU: 448, S_IRUSR: 256, S_IWUSR: 128,
    S_IXUSR: 64, S_IRWXG: 56, S_IRGRP: 32, S_IWGRP: 16, S_IXGRP: 8, S_IRWXO: 7, S_IROTH: 4, S_IWOTH: 2, S_IXOTH: 1, F_OK: 0, R_OK: 4,
    W_OK: 2, X_OK: 1, UV_FS_COPYFILE_EXCL: 1, COPYFILE_EXCL: 1, UV_FS_COPYFILE_FICLONE: 2, COPYFILE_FICLONE: 2,
    UV_FS_COPYFILE_FICLONE_FORCE: 4, COPYFILE_FICLONE_FORCE: 4,
});
export const { F_OK, R_OK, W_OK, X_OK } = constants;

const NAMED_FLAGS = {
    r: 0, rs: 0, sr: 0, 'r+': 2, 'rs+': 2, 'sr+': 2, w: 577, wx: 705, xw: 705, 'w+': 578, 'wx+': 706, 'xw+': 706,
    a: 1089, ax: 1217, xa: 1217, as: 1089, sa: 1089, 'a+': 1090, 'ax+': 1218, 'xa+': 1218, 'as+': 1090, 'sa+': 1090,
};

function nativeFlags(flags) {
    if (flags === null || flags === undefined) flags = 'r';
    const numbers = typeof flags === 'number' ? flags : NAMED_FLAGS[flags];
    if (numbers === undefined) throw new ERR_INVALID_ARG_VALUE('flags', flags);
    let result = [O_RDONLY, O_WRONLY, O_RDWR][numbers & 3];
    for (const [bit, value] of [[64, O_CREAT], [128, O_EXCL], [512, O_TRUNC], [1024, O_APPEND], [65536, O_DIRECTORY], [131072, O_NOFOLLOW]]) {
        if (numbers & bit) result |= value;
    }
    return result;
}

// ---- arguments

export function toPath(value, name = 'path') {
    if (typeof value === 'string') {
        if (value.includes('\0')) throw new ERR_INVALID_ARG_VALUE(name, value, 'must be a string, Uint8Array, or URL without null bytes');
        return value;
    }
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    if (value !== null && typeof value === 'object' && typeof value.href === 'string' && typeof value.protocol === 'string') {
        return builtin('url').fileURLToPath(value);
    }
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'URL'], value);
}

const absolute = (file) => (file.startsWith('/') ? file : file === '' ? '' : path.resolve(process.cwd(), file));

function checkDescriptor(fd) {
    if (typeof fd !== 'number') throw new ERR_INVALID_ARG_TYPE('fd', 'number', fd);
    if (!Number.isInteger(fd)) throw new ERR_OUT_OF_RANGE('fd', 'an integer', fd);
    if (fd < 0 || fd > 2147483647) throw new ERR_OUT_OF_RANGE('fd', '>= 0 && <= 2147483647', fd);
    return fd;
}

const ENCODINGS = /^(utf-?8|ucs-?2|utf-?16le|latin1|binary|base64|base64url|hex|ascii|buffer)$/i;

function options(given, defaults = {}) {
    if (given === null || given === undefined || typeof given === 'function') return defaults;
    if (typeof given === 'string') given = { encoding: given };
    if (typeof given !== 'object') throw new ERR_INVALID_ARG_TYPE('options', ['string', 'Object'], given);
    const { encoding } = given;
    if (encoding !== undefined && encoding !== null && !(typeof encoding === 'string' && ENCODINGS.test(encoding))) {
        throw new ERR_INVALID_ARG_VALUE('encoding', encoding, 'is invalid encoding');
    }
    return { ...defaults, ...given };
}

const encoded = (bytes, encoding) => (encoding && encoding !== 'buffer' ? bytes.toString(encoding) : bytes);
const encodedName = (name, encoding) => (encoding === 'buffer' ? Buffer.from(name) : name);

function toBytes(data, encoding = 'utf8') {
    if (typeof data === 'string') return Buffer.from(data, encoding ?? 'utf8');
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    throw new ERR_INVALID_ARG_TYPE('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
}

function toMs(time) {
    if (time instanceof Date) return time.getTime();
    const seconds = Number(time);
    if (typeof time === 'string' ? Number.isNaN(seconds) : typeof time !== 'number') throw new ERR_INVALID_ARG_TYPE('time', ['Date', 'Time in seconds'], time);
    return seconds * 1000;
}

// ---- stat

export function Stats(dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks, atimeMs, mtimeMs, ctimeMs, birthtimeMs) {
    Object.assign(this, { dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks, atimeMs, mtimeMs, ctimeMs, birthtimeMs });
    for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) {
        let date;
        Object.defineProperty(this, name, {
            configurable: true,
            enumerable: true,
            get: () => (date ??= new Date(Math.round(Number(this[`${name}Ms`])))),
            set: (value) => { date = value; },
        });
    }
}
for (const [name, kind] of Object.entries({
    isFile: constants.S_IFREG, isDirectory: constants.S_IFDIR, isSymbolicLink: constants.S_IFLNK, isFIFO: constants.S_IFIFO,
    isSocket: constants.S_IFSOCK, isCharacterDevice: constants.S_IFCHR, isBlockDevice: constants.S_IFBLK,
})) {
    Stats.prototype[name] = function is() {
        return (Number(this.mode) & constants.S_IFMT) === kind;
    };
}

// WASI knows kinds by other bits than Linux, and no permissions.
const KINDS = { 0o100000: 0o100644, 0o040000: 0o040755, 0o120000: 0o120777, 0o020000: 0o020620, 0o060000: 0o060660, 0o140000: 0o140777, 0o010000: 0o010600 };

function stats([dev, mode, nlink, ino, size, atime, mtime, ctime], big) {
    const full = KINDS[mode & 0o170000] ?? mode;
    const uid = 1000;
    const found = new Stats(dev, full, nlink, uid, uid, 0, 4096, ino, size, Math.ceil(size / 512), atime, mtime, ctime, ctime);
    if (big) {
        for (const name of ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks']) found[name] = BigInt(Math.trunc(found[name]));
        for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) {
            found[`${name}Ns`] = BigInt(Math.round(found[`${name}Ms`] * 1e6));
            found[`${name}Ms`] = BigInt(Math.trunc(found[`${name}Ms`]));
        }
    }
    return found;
}

function statWith(syscall, file, given, follow) {
    file = toPath(file);
    const result = native.stat(absolute(file), follow);
    if (typeof result === 'number') {
        const code = native.errors[-result];
        if (given?.throwIfNoEntry === false && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
        throw systemError(code ?? 'EIO', syscall, file);
    }
    return stats(result, given?.bigint);
}

const sync = {};

sync.stat = (file, given) => statWith('stat', file, given, true);
sync.lstat = (file, given) => statWith('lstat', file, given, false);
sync.fstat = (fd, given) => stats(checked(native.statFile(checkDescriptor(fd)), 'fstat'), given?.bigint);

sync.access = (file, mode = constants.F_OK) => {
    file = toPath(file);
    checked(native.stat(absolute(file), true), 'access', file);
    if (mode & constants.X_OK && native.kind(absolute(file)) === 1 && !/\.(sh|js|mjs|cjs|py|wasm)$|^[^.]*$/.test(path.basename(file))) {
        throw systemError('EACCES', 'access', file);
    }
};

export function existsSync(file) {
    try {
        return typeof native.stat(absolute(toPath(file)), true) !== 'number';
    } catch {
        return false;
    }
}

sync.statfs = () => ({ type: 0, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0 });

// ---- descriptors

// What `/dev` has in a sandbox that has none.
const DEVICES = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2, '/dev/fd/0': 0, '/dev/fd/1': 1, '/dev/fd/2': 2 };

sync.open = (file, flags = 'r', mode) => {
    void mode;
    file = toPath(file);
    if (file in DEVICES) return DEVICES[file];
    const numbers = nativeFlags(flags);
    return checked(native.open(absolute(file), numbers), 'open', file);
};

sync.close = (fd) => {
    if (checkDescriptor(fd) > 2) checked(native.close(fd), 'close');
};

sync.read = (fd, buffer, offset, length, position) => {
    checkDescriptor(fd);
    if (offset !== null && typeof offset === 'object') ({ offset, length, position } = offset);
    if (buffer !== null && typeof buffer === 'object' && !ArrayBuffer.isView(buffer)) ({ buffer, offset, length, position } = buffer);
    if (!ArrayBuffer.isView(buffer)) throw new ERR_INVALID_ARG_TYPE('buffer', ['Buffer', 'TypedArray', 'DataView'], buffer);
    offset = offset ?? 0;
    length = length ?? buffer.byteLength - offset;
    if (offset < 0 || offset > buffer.byteLength) throw new ERR_OUT_OF_RANGE('offset', `>= 0 && <= ${buffer.byteLength}`, offset);
    if (length < 0 || offset + length > buffer.byteLength) throw new ERR_OUT_OF_RANGE('length', `>= 0 && <= ${buffer.byteLength - offset}`, length);
    if (length === 0) return 0;
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    if (fd === 0) {
        const some = readStdinSome(length);
        bytes.set(some, offset);
        return some.length;
    }
    const at = position === null || position === undefined || position === -1 ? -1 : Number(position);
    return checked(native.readFile(fd, bytes, offset, length, at), 'read');
};

sync.write = (fd, data, offset, length, position) => {
    checkDescriptor(fd);
    if (typeof data === 'string') {
        // write(fd, text, position, encoding)
        [position, data, offset, length] = [offset, Buffer.from(data, typeof length === 'string' ? length : 'utf8'), 0, undefined];
    } else if (offset !== null && typeof offset === 'object') {
        ({ offset, length, position } = offset);
    }
    const bytes = toBytes(data);
    offset = offset ?? 0;
    length = length ?? bytes.byteLength - offset;
    if (offset < 0 || offset > bytes.byteLength) throw new ERR_OUT_OF_RANGE('offset', `>= 0 && <= ${bytes.byteLength}`, offset);
    if (length < 0 || offset + length > bytes.byteLength) throw new ERR_OUT_OF_RANGE('length', `>= 0 && <= ${bytes.byteLength - offset}`, length);
    if (fd === 1 || fd === 2) {
        if (!writeBytes(fd, bytes.subarray(offset, offset + length))) throw systemError('EPIPE', 'write');
        return length;
    }
    const at = typeof position === 'number' || typeof position === 'bigint' ? Number(position) : -1;
    let done = 0;
    while (done < length) {
        done += checked(native.writeFile(fd, bytes, offset + done, length - done, at < 0 ? -1 : at + done), 'write');
    }
    return done;
};

sync.readv = (fd, buffers, position) => {
    let total = 0;
    for (const buffer of buffers) {
        const count = sync.read(fd, buffer, 0, buffer.byteLength, typeof position === 'number' ? position + total : null);
        total += count;
        if (count < buffer.byteLength) break;
    }
    return total;
};

sync.writev = (fd, buffers, position) => {
    let total = 0;
    for (const buffer of buffers) total += sync.write(fd, buffer, 0, buffer.byteLength, typeof position === 'number' ? position + total : null);
    return total;
};

sync.ftruncate = (fd, length = 0) => { checked(native.truncate(checkDescriptor(fd), Math.max(0, length)), 'ftruncate'); };
sync.fsync = (fd) => { if (checkDescriptor(fd) > 2) checked(native.sync(fd), 'fsync'); };
sync.fdatasync = sync.fsync;
sync.truncate = (file, length = 0) => {
    const fd = sync.open(file, 'r+');
    try {
        sync.ftruncate(fd, length);
    } finally {
        sync.close(fd);
    }
};

// ---- whole files

sync.readFile = (file, given) => {
    const { encoding, flag = 'r' } = options(given);
    if (typeof file === 'number') {
        const bytes = file === 0 ? readStdin() : checked(native.readAll(checkDescriptor(file)), 'read');
        return encoded(buffer(bytes), encoding);
    }
    file = toPath(file);
    if (file in DEVICES && DEVICES[file] === 0) return encoded(readStdin(), encoding);
    if (file === '/dev/null') return encoded(Buffer.alloc(0), encoding);
    const fd = checked(native.open(absolute(file), nativeFlags(flag)), 'open', file);
    try {
        return encoded(buffer(checked(native.readAll(fd), 'read')), encoding);
    } finally {
        native.close(fd);
    }
};

const buffer = (bytes) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));

function writeWhole(file, data, given, flags) {
    const { encoding, flag = flags, flush } = options(given, { encoding: 'utf8' });
    const bytes = toBytes(data, encoding);
    const fd = typeof file === 'number' ? checkDescriptor(file) : file === '/dev/null' ? -1 : sync.open(file, flag);
    if (fd < 0) return;
    try {
        sync.write(fd, bytes, 0, bytes.byteLength, null);
        if (flush) sync.fsync(fd);
    } finally {
        if (typeof file !== 'number') sync.close(fd);
    }
}

sync.writeFile = (file, data, given) => writeWhole(file, data, given, 'w');
sync.appendFile = (file, data, given) => writeWhole(file, data, given, 'a');

sync.copyFile = (from, to, mode = 0) => {
    from = toPath(from, 'src');
    to = toPath(to, 'dest');
    const wrapped = (error) => systemError(error.code, 'copyfile', from, to);
    let bytes;
    try {
        bytes = sync.readFile(from);
        sync.writeFile(to, bytes, { flag: mode & constants.COPYFILE_EXCL ? 'wx' : 'w' });
    } catch (error) {
        throw error.code ? wrapped(error) : error;
    }
};

// ---- directories and names

sync.mkdir = (file, given) => {
    file = toPath(file);
    const recursive = typeof given === 'object' && given !== null && given.recursive;
    if (!recursive) {
        checked(native.mkdir(absolute(file)), 'mkdir', file);
        return undefined;
    }
    const missing = [];
    let at = absolute(file).replace(/(.)\/+$/, '$1');
    while (native.kind(at) !== 2) {
        if (native.kind(at) === 1) throw systemError(missing.length ? 'ENOTDIR' : 'EEXIST', 'mkdir', file);
        missing.push(at);
        const up = path.dirname(at);
        if (up === at) break;
        at = up;
    }
    for (const folder of missing.toReversed()) {
        const result = native.mkdir(folder);
        if (result < 0 && native.errors[-result] !== 'EEXIST') checked(result, 'mkdir', file);
    }
    return missing.at(-1);
};

sync.mkdtemp = (prefix, given) => {
    prefix = toPath(prefix, 'prefix');
    for (;;) {
        const letters = Array.from(native.randomBytes(6), (byte) => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'[byte % 62]);
        const folder = prefix + letters.join('');
        const result = native.mkdir(absolute(folder));
        if (result < 0 && native.errors[-result] === 'EEXIST') continue;
        checked(result, 'mkdtemp', `${prefix}XXXXXX`);
        return encodedName(folder, options(given).encoding);
    }
};

export class Dirent {
    #kind;
    constructor(name, parent, kind) {
        this.name = name;
        this.parentPath = parent;
        Object.defineProperty(this, 'path', { value: parent, writable: true, configurable: true, enumerable: true });
        this.#kind = kind;
    }
    isDirectory() { return this.#kind === 'd'; }
    isFile() { return this.#kind === 'f'; }
    isSymbolicLink() { return this.#kind === 'l'; }
    isBlockDevice() { return false; }
    isCharacterDevice() { return false; }
    isFIFO() { return false; }
    isSocket() { return false; }
}

function list(file, given) {
    const { encoding, withFileTypes, recursive } = options(given);
    const found = [];
    const visit = (folder, prefix) => {
        for (const entry of checked(native.readdir(absolute(folder)), 'scandir', folder)) {
            const [kind, name] = [entry[0], entry.slice(1)];
            found.push(withFileTypes ? new Dirent(encodedName(name, encoding), folder, kind) : encodedName(prefix + name, encoding));
            if (recursive && kind === 'd') visit(path.join(folder, name), `${prefix}${name}/`);
        }
    };
    visit(file, '');
    return found;
}

sync.readdir = (file, given) => list(toPath(file), given);
sync.rmdir = (file, given) => {
    file = toPath(file);
    if (given?.recursive) return sync.rm(file, { recursive: true, force: true });
    checked(native.rmdir(absolute(file)), 'rmdir', file);
};
sync.unlink = (file) => {
    file = toPath(file);
    const result = native.unlink(absolute(file));
    // Linux says so of a directory; WASI's own word is another.
    if (result < 0 && native.kind(absolute(file)) === 2) throw systemError('EISDIR', 'unlink', file);
    checked(result, 'unlink', file);
};

sync.rm = (file, given = {}) => {
    file = toPath(file);
    const found = native.stat(absolute(file), false);
    if (typeof found === 'number') {
        if (given?.force && native.errors[-found] === 'ENOENT') return;
        throw systemError(native.errors[-found] ?? 'EIO', 'rm', file);
    }
    if ((found[1] & constants.S_IFMT) !== constants.S_IFDIR) return sync.unlink(file);
    if (!given?.recursive) {
        throw Object.assign(new Error(`Path is a directory: rm returned EISDIR (is a directory) ${file}`), {
            name: 'SystemError', code: 'ERR_FS_EISDIR', errno: 21, syscall: 'rm', path: file,
        });
    }
    const pending = [absolute(file)];
    const folders = [];
    while (pending.length > 0) {
        const folder = pending.pop();
        folders.push(folder);
        for (const entry of checked(native.readdir(folder), 'scandir', folder)) {
            const child = `${folder}/${entry.slice(1)}`;
            if (entry[0] === 'd') pending.push(child);
            else checked(native.unlink(child), 'unlink', child);
        }
    }
    for (const folder of folders.toReversed()) checked(native.rmdir(folder), 'rmdir', folder);
};

sync.rename = (from, to) => {
    [from, to] = [toPath(from, 'oldPath'), toPath(to, 'newPath')];
    checked(native.rename(absolute(from), absolute(to)), 'rename', from, to);
};
sync.link = (from, to) => {
    [from, to] = [toPath(from, 'existingPath'), toPath(to, 'newPath')];
    checked(native.link(absolute(from), absolute(to)), 'link', from, to);
};
sync.symlink = (target, file) => {
    [target, file] = [toPath(target, 'target'), toPath(file)];
    // A sandbox refuses links that lead out of it, and so all absolute ones.
    let kept = target;
    if (target.startsWith('/')) kept = path.relative(path.dirname(absolute(file)), target) || '.';
    checked(native.symlink(kept, absolute(file)), 'symlink', target, file);
};
sync.readlink = (file, given) => {
    file = toPath(file);
    return encodedName(checked(native.readlink(absolute(file)), 'readlink', file), options(given).encoding);
};

sync.realpath = (file, given) => {
    file = toPath(file);
    const parts = absolute(file).split('/').filter(Boolean);
    let at = '';
    for (let links = 0; parts.length > 0;) {
        const part = parts.shift();
        if (part === '.') continue;
        if (part === '..') {
            at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
            continue;
        }
        const next = `${at}/${part}`;
        const target = native.readlink(next);
        if (typeof target === 'string') {
            if (++links > 40) throw systemError('ELOOP', 'realpath', file);
            if (target.startsWith('/')) at = '';
            parts.unshift(...target.split('/').filter(Boolean));
        } else {
            at = next;
        }
    }
    const found = at || '/';
    if (found !== '/') checked(native.stat(found, true), 'realpath', file);
    return encodedName(found, options(given).encoding);
};

sync.utimes = (file, atime, mtime) => {
    file = toPath(file);
    checked(native.utimes(absolute(file), toMs(atime), toMs(mtime), true), 'utime', file);
};
sync.lutimes = (file, atime, mtime) => {
    file = toPath(file);
    checked(native.utimes(absolute(file), toMs(atime), toMs(mtime), false), 'lutime', file);
};
sync.futimes = (fd) => { sync.fstat(fd); };

// There are no permissions and owners: changing those of what is there succeeds.
sync.chmod = (file) => { checked(native.stat(absolute(toPath(file)), true), 'chmod', toPath(file)); };
sync.lchmod = (file) => { checked(native.stat(absolute(toPath(file)), false), 'lchmod', toPath(file)); };
sync.fchmod = (fd) => { sync.fstat(fd); };
sync.chown = (file) => { checked(native.stat(absolute(toPath(file)), true), 'chown', toPath(file)); };
sync.lchown = (file) => { checked(native.stat(absolute(toPath(file)), false), 'lchown', toPath(file)); };
sync.fchown = (fd) => { sync.fstat(fd); };

sync.cp = (from, to, given = {}) => {
    [from, to] = [toPath(from, 'src'), toPath(to, 'dest')];
    if (given?.filter && !given.filter(from, to)) return;
    const found = given?.dereference ? sync.stat(from) : sync.lstat(from);
    if (found.isDirectory()) {
        if (!given?.recursive) {
            throw Object.assign(new Error(`Recursive option not enabled, cannot copy a directory: cp returned EISDIR (${from} is a directory (not copied)) ${from}`), {
                name: 'SystemError', code: 'ERR_FS_EISDIR', errno: 21, syscall: 'cp', path: from,
            });
        }
        sync.mkdir(to, { recursive: true });
        for (const name of sync.readdir(from)) sync.cp(path.join(from, name), path.join(to, name), given);
        return;
    }
    sync.mkdir(path.dirname(to), { recursive: true });
    if (existsSync(to)) {
        if (given?.errorOnExist && given.force === false) {
            throw Object.assign(new Error(`Target already exists: cp returned EEXIST (${to} already exists) ${to}`), { code: 'ERR_FS_CP_EEXIST', errno: 17, syscall: 'cp', path: to });
        }
        if (given?.force === false) return;
        sync.rm(to);
    }
    if (found.isSymbolicLink()) sync.symlink(sync.readlink(from), to);
    else sync.copyFile(from, to);
};

export class Dir {
    #entries;
    #closed = false;
    constructor(file, given) {
        this.path = toPath(file);
        this.#entries = list(this.path, { ...options(given), withFileTypes: true });
    }
    readSync() {
        if (this.#closed) throw Object.assign(new Error('Directory handle was closed'), { code: 'ERR_DIR_CLOSED' });
        return this.#entries.shift() ?? null;
    }
    read(callback) { return answer(() => this.readSync(), callback); }
    closeSync() { this.#closed = true; }
    close(callback) { return answer(() => this.closeSync(), callback); }
    async *[Symbol.asyncIterator]() {
        for (let entry; (entry = this.#entries.shift());) yield entry;
        this.#closed = true;
    }
    async [Symbol.asyncDispose]() { this.#closed = true; }
}

function answer(act, callback) {
    const promise = settle(act);
    if (typeof callback !== 'function') return promise;
    promise.then((value) => finish(callback, null, value), (error) => finish(callback, error));
    return undefined;
}

sync.opendir = (file, given) => new Dir(file, given);

// ---- patterns

function globExpression(pattern) {
    let text = '';
    for (let at = 0; at < pattern.length; at++) {
        const letter = pattern[at];
        if (letter === '*' && pattern[at + 1] === '*') {
            const whole = (at === 0 || pattern[at - 1] === '/') && (at + 2 >= pattern.length || pattern[at + 2] === '/');
            if (whole && pattern[at + 2] === '/') {
                text += '(?:.*/)?';
                at += 2;
            } else {
                text += '.*';
                at += 1;
            }
        } else if (letter === '*') text += '[^/]*';
        else if (letter === '?') text += '[^/]';
        else if (letter === '[') {
            const end = pattern.indexOf(']', at + 1);
            if (end < 0) text += '\\[';
            else {
                text += `[${pattern.slice(at + 1, end).replace(/^!/, '^').replace(/\\/g, '\\\\')}]`;
                at = end;
            }
        } else if (letter === '{') text += '(?:';
        else if (letter === '}') text += ')';
        else if (letter === ',') text += text.lastIndexOf('(?:') > text.lastIndexOf(')') ? '|' : ',';
        else text += letter.replace(/[.+^$()|\\]/g, '\\$&');
    }
    return new RegExp(`^${text}$`);
}

export const matchesGlob = (file, pattern) => globExpression(pattern).test(file);

sync.glob = (patterns, given = {}) => {
    const root = given.cwd ? toPath(given.cwd) : process.cwd();
    const found = new Set();
    const expressions = [patterns].flat().map((pattern) => globExpression(path.normalize(pattern)));
    const excluded = typeof given.exclude === 'function' ? given.exclude : (name) => [given.exclude ?? []].flat().some((pattern) => matchesGlob(name, pattern));
    const visit = (folder, prefix) => {
        let entries;
        try {
            entries = list(folder, { withFileTypes: true });
        } catch {
            return;
        }
        for (const entry of entries) {
            const name = prefix + entry.name;
            if (excluded(given.withFileTypes ? entry : name)) continue;
            if (expressions.some((expression) => expression.test(name))) found.add(given.withFileTypes ? entry : name);
            if (entry.isDirectory()) visit(path.join(folder, entry.name), `${name}/`);
        }
    };
    visit(root, '');
    return [...found];
};

// ---- with callbacks

function settle(act) {
    return new Promise((resolve, reject) => {
        // The work is done now; that it is done is told later, as if another thread had done it.
        let value;
        try {
            value = act();
        } catch (error) {
            finish(reject, error);
            return;
        }
        finish(resolve, value);
    });
}

function called(name) {
    const act = sync[name];
    const asynchronous = function (...args) {
        const callback = args.pop();
        if (typeof callback !== 'function') {
            throw new ERR_INVALID_ARG_TYPE(name === 'cp' || callback === undefined ? 'cb' : 'callback', 'function', callback);
        }
        let value;
        try {
            while (args.length > 0 && args.at(-1) === undefined) args.pop();
            value = act(...args);
        } catch (error) {
            // A mistake in the arguments shows at the call.
            if (error?.code?.startsWith?.('ERR_') && error.name !== 'SystemError' && !error.code.startsWith('ERR_FS_')) throw error;
            finish(callback, error);
            return;
        }
        if (value === undefined && name !== 'mkdir') finish(callback, null);
        else finish(callback, null, value);
    };
    Object.defineProperty(asynchronous, 'name', { value: name });
    return asynchronous;
}

const fs = { constants, F_OK, R_OK, W_OK, X_OK, Stats, Dirent, Dir, existsSync };
for (const [name, act] of Object.entries(sync)) {
    Object.defineProperty(act, 'name', { value: `${name}Sync` });
    fs[`${name}Sync`] = act;
    fs[name] = called(name);
}

// These hand back what they were given, too.
fs.read = (fd, target, ...rest) => {
    let callback = rest.pop();
    if (typeof target === 'function') [callback, target] = [target, {}];
    if (!ArrayBuffer.isView(target)) target = { buffer: Buffer.alloc(16384), ...target };
    report(callback, () => sync.read(fd, target, ...rest), target.buffer instanceof ArrayBuffer ? target : target.buffer);
};
fs.write = (fd, data, ...rest) => {
    const callback = rest.pop();
    report(callback, () => sync.write(fd, data, ...rest), data);
};
fs.readv = (fd, buffers, ...rest) => report(rest.pop(), () => sync.readv(fd, buffers, ...rest), buffers);
fs.writev = (fd, buffers, ...rest) => report(rest.pop(), () => sync.writev(fd, buffers, ...rest), buffers);

function report(callback, act, used) {
    if (typeof callback !== 'function') throw new ERR_INVALID_ARG_TYPE('callback', 'function', callback);
    let count;
    try {
        count = act();
    } catch (error) {
        finish(callback, error);
        return;
    }
    finish(callback, null, count, used);
}

const promisified = Symbol.for('nodejs.util.promisify.custom');
fs.read[promisified] = async (fd, target, ...rest) => ({ bytesRead: await settle(() => sync.read(fd, target, ...rest)), buffer: target });
fs.write[promisified] = async (fd, data, ...rest) => ({ bytesWritten: await settle(() => sync.write(fd, data, ...rest)), buffer: data });

fs.exists = (file, callback) => finish(callback, existsSync(file));
fs.exists[promisified] = (file) => settle(() => existsSync(file));
fs.realpath.native = fs.realpath;
fs.realpathSync.native = fs.realpathSync;

// ---- streams

export function ReadStream(file, given) {
    if (!(this instanceof ReadStream)) return new ReadStream(file, given);
    given = options(given);
    this.path = given.fd === undefined || given.fd === null ? toPath(file) : file;
    this.fd = typeof given.fd === 'object' && given.fd !== null ? given.fd.fd : given.fd ?? null;
    this.flags = given.flags ?? 'r';
    this.mode = given.mode ?? 0o666;
    this.start = given.start;
    this.end = given.end ?? Infinity;
    this.pos = given.start;
    this.bytesRead = 0;
    this.autoClose = given.autoClose ?? true;
    if (this.start !== undefined && this.start > this.end) throw new ERR_OUT_OF_RANGE('start', `<= "end" (here: ${this.end})`, this.start);
    Readable.call(this, { highWaterMark: given.highWaterMark ?? 65536, encoding: given.encoding, autoDestroy: this.autoClose, emitClose: given.emitClose ?? true, signal: given.signal });
}
Object.setPrototypeOf(ReadStream.prototype, Readable.prototype);
Object.setPrototypeOf(ReadStream, Readable);

function openStream(done) {
    if (typeof this.fd === 'number') {
        done();
        return;
    }
    fs.open(this.path, this.flags, this.mode, (error, fd) => {
        if (error) {
            done(error);
            return;
        }
        this.fd = fd;
        done();
        this.emit('open', fd);
        this.emit('ready');
    });
}

function closeStream(error, done) {
    const { fd } = this;
    if (typeof fd !== 'number' || (!this.autoClose && !error)) {
        done(error);
        return;
    }
    this.fd = null;
    fs.close(fd, (failed) => done(error ?? failed));
}

ReadStream.prototype._construct = openStream;
ReadStream.prototype._destroy = closeStream;
ReadStream.prototype.close = function close(callback) {
    if (callback) builtin('stream').finished(this, () => callback());
    this.destroy();
};
ReadStream.prototype._read = function read(size) {
    const left = this.pos === undefined ? this.end - this.bytesRead + 1 : this.end - this.pos + 1;
    const length = Math.min(size, left);
    if (!(length > 0)) {
        this.push(null);
        return;
    }
    const target = Buffer.allocUnsafeSlow(length);
    fs.read(this.fd, target, 0, length, this.pos ?? null, (error, count) => {
        if (error) {
            this.destroy(error);
            return;
        }
        if (this.pos !== undefined) this.pos += count;
        this.bytesRead += count;
        this.push(count > 0 ? target.subarray(0, count) : null);
    });
};
Object.defineProperty(ReadStream.prototype, 'pending', { configurable: true, get() { return this.fd === null; } });

export function WriteStream(file, given) {
    if (!(this instanceof WriteStream)) return new WriteStream(file, given);
    given = options(given);
    this.path = given.fd === undefined || given.fd === null ? toPath(file) : file;
    this.fd = typeof given.fd === 'object' && given.fd !== null ? given.fd.fd : given.fd ?? null;
    this.flags = given.flags ?? 'w';
    this.mode = given.mode ?? 0o666;
    this.start = given.start;
    this.pos = given.start;
    this.bytesWritten = 0;
    this.autoClose = given.autoClose ?? true;
    Writable.call(this, { highWaterMark: given.highWaterMark, decodeStrings: true, autoDestroy: this.autoClose, emitClose: given.emitClose ?? true, signal: given.signal });
    if (given.encoding) this.setDefaultEncoding(given.encoding);
}
Object.setPrototypeOf(WriteStream.prototype, Writable.prototype);
Object.setPrototypeOf(WriteStream, Writable);
WriteStream.prototype._construct = openStream;
WriteStream.prototype._destroy = closeStream;
WriteStream.prototype._write = function write(chunk, _, done) {
    fs.write(this.fd, chunk, 0, chunk.length, this.pos ?? null, (error, count) => {
        if (error) {
            done(error);
            return;
        }
        this.bytesWritten += count;
        if (this.pos !== undefined) this.pos += count;
        done();
    });
};
WriteStream.prototype.close = function close(callback) {
    if (callback) {
        if (this.closed) {
            process.nextTick(callback);
            return;
        }
        this.on('close', callback);
    }
    if (!this.autoClose) this.on('finish', this.destroy);
    this.end();
};
WriteStream.prototype.destroySoon = WriteStream.prototype.end;
Object.defineProperty(WriteStream.prototype, 'pending', { configurable: true, get() { return this.fd === null; } });

Object.assign(fs, {
    ReadStream, WriteStream, FileReadStream: ReadStream, FileWriteStream: WriteStream,
    createReadStream: (file, given) => new ReadStream(file, given),
    createWriteStream: (file, given) => new WriteStream(file, given),
    openAsBlob: async (file, given) => new (builtin('buffer').Blob)([sync.readFile(file)], given),
    _toUnixTimestamp: (time) => toMs(time) / 1000,
});

// ---- watching: nobody tells a sandbox of changes, so it looks

const watchers = new Map();

fs.watchFile = (file, given, listener) => {
    if (typeof given === 'function') [given, listener] = [{}, given];
    file = path.resolve(toPath(file));
    const empty = () => stats([0, 0, 0, 0, 0, 0, 0, 0], given.bigint);
    const look = () => sync.stat(file, { ...given, throwIfNoEntry: false }) ?? empty();
    let entry = watchers.get(file);
    if (!entry) {
        entry = new EventEmitter();
        let before = look();
        entry.timer = setInterval(() => {
            const now = look();
            if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) {
                entry.emit('change', now, before);
                before = now;
            }
        }, given.interval ?? 5007);
        if (given.persistent === false) entry.timer.unref();
        entry.ref = () => entry.timer.ref() && entry;
        entry.unref = () => entry.timer.unref() && entry;
        watchers.set(file, entry);
    }
    if (listener) entry.on('change', listener);
    return entry;
};
fs.unwatchFile = (file, listener) => {
    file = path.resolve(toPath(file));
    const entry = watchers.get(file);
    if (!entry) return;
    if (listener) entry.off('change', listener);
    else entry.removeAllListeners('change');
    if (entry.listenerCount('change') === 0) {
        clearInterval(entry.timer);
        watchers.delete(file);
    }
};
fs.watch = (file, given, listener) => {
    if (typeof given === 'function') [given, listener] = [{}, given];
    file = toPath(file);
    const watcher = new EventEmitter();
    const look = () => {
        const found = new Map();
        const folder = sync.stat(file).isDirectory();
        for (const name of folder ? list(file, { recursive: given?.recursive }) : [path.basename(file)]) {
            const entry = sync.stat(folder ? path.join(file, name) : file, { throwIfNoEntry: false });
            if (entry) found.set(name, `${entry.mtimeMs} ${entry.size}`);
        }
        return found;
    };
    let before = look();
    const timer = setInterval(() => {
        const now = look();
        for (const [name, value] of now) {
            if (before.get(name) !== value) watcher.emit('change', before.has(name) ? 'change' : 'rename', name);
        }
        for (const name of before.keys()) if (!now.has(name)) watcher.emit('change', 'rename', name);
        before = now;
    }, 100);
    if (given?.persistent === false) timer.unref();
    watcher.close = () => {
        clearInterval(timer);
        process.nextTick(() => watcher.emit('close'));
    };
    watcher.ref = () => timer.ref() && watcher;
    watcher.unref = () => timer.unref() && watcher;
    given?.signal?.addEventListener('abort', () => watcher.close(), { once: true });
    if (listener) watcher.on('change', listener);
    return watcher;
};

export { sync, settle, buffer };
export default fs;
Object.defineProperty(fs, 'promises', { configurable: true, enumerable: true, get: () => builtin('fs/promises') });
export const { realpathSync, writeFileSync, readFileSync, readFile, writeFile } = fs;
