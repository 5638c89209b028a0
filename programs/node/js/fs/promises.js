import fs, { constants, settle, sync, toPath } from 'lib:fs';
import EventEmitter from 'lib:events';
import { Buffer } from 'lib:buffer';

export class FileHandle extends EventEmitter {
    #fd;
    constructor(fd) {
        super();
        this.#fd = fd;
    }
    get fd() { return this.#fd; }

    close() {
        return settle(() => {
            if (this.#fd >= 0) sync.close(this.#fd);
            this.#fd = -1;
            this.emit('close');
        });
    }
    async [Symbol.asyncDispose]() { await this.close(); }

    read(buffer, ...rest) {
        return settle(() => {
            if (buffer === undefined || !ArrayBuffer.isView(buffer)) {
                const { buffer: target = Buffer.alloc(16384), offset, length, position } = buffer ?? {};
                return { bytesRead: sync.read(this.#fd, target, offset, length, position), buffer: target };
            }
            return { bytesRead: sync.read(this.#fd, buffer, ...rest), buffer };
        });
    }
    write(data, ...rest) { return settle(() => ({ bytesWritten: sync.write(this.#fd, data, ...rest), buffer: data })); }
    readv(buffers, position) { return settle(() => ({ bytesRead: sync.readv(this.#fd, buffers, position), buffers })); }
    writev(buffers, position) { return settle(() => ({ bytesWritten: sync.writev(this.#fd, buffers, position), buffers })); }
    readFile(options) { return settle(() => sync.readFile(this.#fd, options)); }
    writeFile(data, options) { return settle(() => sync.writeFile(this.#fd, data, options)); }
    appendFile(data, options) { return settle(() => sync.appendFile(this.#fd, data, options)); }
    stat(options) { return settle(() => sync.fstat(this.#fd, options)); }
    truncate(length) { return settle(() => sync.ftruncate(this.#fd, length)); }
    sync() { return settle(() => sync.fsync(this.#fd)); }
    datasync() { return settle(() => sync.fsync(this.#fd)); }
    chmod() { return settle(() => sync.fchmod(this.#fd)); }
    chown() { return settle(() => sync.fchown(this.#fd)); }
    utimes() { return settle(() => sync.futimes(this.#fd)); }
    createReadStream(options) { return fs.createReadStream('', { ...options, fd: this.#fd }); }
    createWriteStream(options) { return fs.createWriteStream('', { ...options, fd: this.#fd }); }
    readLines(options) {
        return globalThis.process.getBuiltinModule('readline').createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
    }
    readableWebStream() {
        const handle = this;
        return new ReadableStream({
            async pull(controller) {
                const { bytesRead, buffer } = await handle.read(Buffer.alloc(65536));
                if (bytesRead === 0) controller.close();
                else controller.enqueue(new Uint8Array(buffer.subarray(0, bytesRead)));
            },
        });
    }
}

const promises = { constants };
const names = [
    'access', 'appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'lchmod', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir', 'mkdtemp', 'opendir',
    'readFile', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink', 'truncate', 'unlink', 'utimes', 'writeFile',
];
for (const name of names) {
    promises[name] = function (file, ...rest) {
        const signal = rest.at(-1)?.signal;
        if (signal?.aborted) return Promise.reject(signal.reason);
        if (file instanceof FileHandle && typeof file[name] === 'function') return file[name](...rest);
        if (name === 'writeFile' && rest[0] && typeof rest[0] === 'object' && !ArrayBuffer.isView(rest[0])) return writePieces(file, ...rest);
        return settle(() => sync[name](file, ...rest));
    };
    Object.defineProperty(promises[name], 'name', { value: name });
}

async function writePieces(file, pieces, options) {
    const handle = await promises.open(file, options?.flag ?? 'w');
    try {
        for await (const piece of pieces) await handle.write(typeof piece === 'string' ? Buffer.from(piece) : piece);
    } finally {
        await handle.close();
    }
}

promises.open = (file, flags, mode) => settle(() => new FileHandle(sync.open(file, flags, mode)));
promises.glob = async function* glob(patterns, options) { yield* sync.glob(patterns, options); };
promises.watch = async function* watch(file, options) {
    toPath(file);
    const events = [];
    let wake = () => {};
    const watcher = fs.watch(file, options ?? {}, (eventType, filename) => {
        events.push({ eventType, filename });
        wake();
    });
    try {
        while (!options?.signal?.aborted) {
            while (events.length > 0) yield events.shift();
            await new Promise((resolve) => { wake = resolve; });
        }
    } finally {
        watcher.close();
    }
};

export default promises;
