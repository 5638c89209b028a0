// `child_process`: other programs of the workspace, each in a sandbox of its own. There are no signals: `kill` ends a program.

import native from 'lib:internal/native';
import process from 'lib:process';
import path from 'lib:path';
import EventEmitter from 'lib:events';
import { Readable, Writable } from 'lib:stream';
import { Buffer } from 'lib:buffer';
import { watch, unwatch, referWatch } from 'lib:internal/loop';
import { systemError } from 'lib:internal/syserror';
import { constants } from 'lib:os';
import { fileURLToPath } from 'lib:url';
import { sync as files } from 'lib:fs';
import { ERR_INVALID_ARG_TYPE } from 'lib:internal/errors';
import { absent } from 'lib:internal/absent';
import { VARIABLE, attach } from 'lib:internal/channel';

const PIECE = 65536;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const running = new Map();

/// Ends the program with this number, if it is one that this program started.
export function killPid(pid, signal) {
    const child = running.get(pid);
    if (child && signal !== 0) child.kill(signal);
    return child !== undefined;
}

const signalName = (signal) => {
    if (signal === undefined || signal === null) return 'SIGTERM';
    if (typeof signal === 'number') return Object.keys(constants.signals).find((name) => constants.signals[name] === signal) ?? 'SIGTERM';
    const name = `${signal}`.toUpperCase();
    if (!(name in constants.signals)) throw Object.assign(new TypeError(`Unknown signal: ${signal}`), { code: 'ERR_UNKNOWN_SIGNAL' });
    return name;
};

function checkText(value, name) {
    if (typeof value !== 'string') throw new ERR_INVALID_ARG_TYPE(name, 'string', value);
    if (value.includes('\0')) throw Object.assign(new TypeError(`The argument '${name}' must be a string without null bytes. Received ${JSON.stringify(value)}`), { code: 'ERR_INVALID_ARG_VALUE' });
}

function normalize(file, args, options) {
    checkText(file, 'file');
    if (file === '') throw Object.assign(new TypeError("The argument 'file' cannot be empty. Received ''"), { code: 'ERR_INVALID_ARG_VALUE' });
    if (!Array.isArray(args)) [args, options] = [[], args ?? options];
    options = { ...options };
    let argv = [options.argv0 && !options.shell ? file : file, ...args.map(String)];
    if (options.shell) {
        argv = [typeof options.shell === 'string' ? options.shell : 'sh', '-c', [file, ...args].join(' ')];
    } else if (file === process.execPath) {
        argv[0] = 'node';
    }
    let cwd = options.cwd ?? process.cwd();
    if (cwd instanceof URL || (typeof cwd === 'string' && cwd.startsWith('file:'))) cwd = fileURLToPath(cwd);
    const env = options.env ?? process.env;
    return {
        argv,
        cwd: path.resolve(cwd),
        env: Object.keys(env).filter((name) => env[name] !== undefined && env[name] !== null).map((name) => [name, `${env[name]}`]),
        options,
    };
}

/// What each of the first three streams is to be: 'pipe', 'ignore', 'inherit' or a descriptor.
function streamsOf(stdio) {
    const given = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
    return [0, 1, 2].map((at) => {
        const each = given[at] ?? 'pipe';
        if (each === 'overlapped') return 'pipe';
        if (each !== null && typeof each === 'object') return each.fd ?? each._handle?.fd ?? 'pipe';
        return each;
    });
}

/// Starts it. Gives its number here, and for each 'pipe' our end.
function start({ argv, cwd, env }, stdio) {
    if (native.kind(cwd) !== 2) throw systemError('ENOENT', `spawn ${argv[0]}`, argv[0]);
    const ours = [0, 0, 0];
    const theirs = [0, 0, 0];
    const copies = [];
    stdio.forEach((kind, at) => {
        if (kind === 'pipe') {
            const [reader, writer] = native.pipe();
            [theirs[at], ours[at]] = at === 0 ? [reader, writer] : [writer, reader];
        } else if (kind === 'inherit' || (kind === at && at < 3)) {
            theirs[at] = at === 0 ? native.standardReader() : native.standardWriter(at);
        } else if (kind === 1 || kind === 2) {
            theirs[at] = native.standardWriter(kind);
        } else if (typeof kind === 'number' && kind > 2) {
            const [reader, writer] = native.pipe();
            if (at === 0) {
                theirs[0] = reader;
                ours[0] = writer;
                copies.push({ at, fd: kind });
            } else {
                theirs[at] = writer;
                ours[at] = reader;
                copies.push({ at, fd: kind });
            }
        }
    });
    const [child, code, text] = native.spawn(argv, env, cwd, theirs);
    if (!child) {
        ours.forEach((end, at) => end && (at === 0 ? native.closeWriter(end) : native.closeReader(end)));
        const error = systemError(code, `spawn ${argv[0]}`);
        return { error: Object.assign(error, { message: `spawn ${argv[0]} ${code}`, path: argv[0], spawnargs: argv.slice(1) }), detail: text };
    }
    return { child, ours, copies };
}

/// As exit code and signal.
function ended(child, killed) {
    const end = native.childEnd(child);
    if (!end) return undefined;
    const [outcome, code] = end;
    if (outcome === 'exited') return { code, signal: null };
    if (killed) return { code: null, signal: killed };
    return { code: null, signal: outcome === 'trapped' ? 'SIGABRT' : 'SIGKILL' };
}

// ---- while it runs

class Output extends Readable {
    #reader;
    #stream;
    #poll = 0;
    constructor(reader) {
        super({ highWaterMark: PIECE });
        this.#reader = reader;
        this.#stream = native.readerStream(reader);
    }
    _read() {
        if (this.#poll) return;
        this.#poll = native.pollInput(this.#stream);
        watch(this.#poll, () => {
            this.#poll = 0;
            const bytes = native.read(this.#stream, PIECE);
            if (bytes === null) this.push(null);
            else if (bytes.length === 0) this._read();
            else this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        });
    }
    _destroy(error, done) {
        if (this.#poll) unwatch(this.#poll);
        this.#poll = 0;
        native.closeInput(this.#stream);
        native.closeReader(this.#reader);
        done(error);
    }
    ref() { return this; }
    unref() { return this; }
}

class Input extends Writable {
    #writer;
    #stream;
    constructor(writer) {
        super();
        this.#writer = writer;
        this.#stream = native.writerStream(writer);
    }
    _write(chunk, _, done) {
        const broken = () => done(Object.assign(systemError('EPIPE', 'write'), { message: 'write EPIPE' }));
        const more = (rest) => {
            const room = native.writable(this.#stream);
            if (room < 0) {
                broken();
                return;
            }
            if (room === 0) {
                watch(native.pollOutput(this.#stream), () => more(rest));
                return;
            }
            if (!native.write(this.#stream, rest.subarray(0, room))) {
                broken();
                return;
            }
            if (rest.length > room) more(rest.subarray(room));
            else done();
        };
        more(chunk);
    }
    _final(done) {
        this.#close();
        done();
    }
    _destroy(error, done) {
        this.#close();
        done(error);
    }
    #close() {
        if (!this.#stream) return;
        native.closeOutput(this.#stream);
        native.closeWriter(this.#writer);
        this.#stream = 0;
    }
    ref() { return this; }
    unref() { return this; }
}

export class ChildProcess extends EventEmitter {
    #child = 0;
    #poll = 0;
    #killed = null;
    #timer;

    constructor() {
        super();
        Object.assign(this, { stdin: null, stdout: null, stderr: null, stdio: [null, null, null], pid: undefined, exitCode: null, signalCode: null, killed: false, connected: false, spawnfile: undefined, spawnargs: [] });
    }

    run(file, prepared) {
        const { argv, options } = prepared;
        this.spawnfile = argv[0];
        this.spawnargs = argv;
        const stdio = streamsOf(options.stdio);
        let made;
        try {
            made = start(prepared, stdio);
        } catch (error) {
            made = { error: Object.assign(error, { message: `spawn ${argv[0]} ${error.code}`, path: argv[0], spawnargs: argv.slice(1) }) };
        }
        const { error, child, ours = [0, 0, 0], copies = [] } = made;
        const copied = new Set(copies.map(({ at }) => at));
        const streams = stdio.map((kind, at) => {
            if (kind !== 'pipe' && !copied.has(at)) return null;
            if (!child) {
                const empty = at === 0 ? new Writable({ write: (_, __, done) => done() }) : new Readable({ read() { this.push(null); } });
                return empty;
            }
            return at === 0 ? new Input(ours[0]) : new Output(ours[at]);
        });
        for (const { at, fd } of copies) {
            if (at === 0) streams[0].end(files.readFile(fd));
            else streams[at].on('data', (bytes) => files.write(fd, bytes));
        }
        [this.stdin, this.stdout, this.stderr] = streams.map((stream, at) => (copied.has(at) ? null : stream));
        this.stdio = [this.stdin, this.stdout, this.stderr];
        if (error) {
            process.nextTick(() => {
                this.exitCode = error.errno;
                this.emit('error', error);
                for (const stream of streams) stream?.destroy();
                this.emit('close', error.errno, null);
            });
            return;
        }
        this.#child = child;
        this.pid = native.childPid(child);
        running.set(this.pid, this);
        process.nextTick(() => this.emit('spawn'));
        this.#poll = native.childPoll(child);
        let open = 1 + streams.filter((stream, at) => stream && at > 0).length;
        const closed = () => {
            open -= 1;
            if (open === 0) this.emit('close', this.exitCode, this.signalCode);
        };
        streams.forEach((stream, at) => {
            if (at > 0) stream?.once('close', closed);
        });
        watch(this.#poll, () => {
            this.#poll = 0;
            const { code, signal } = ended(child, this.#killed);
            [this.exitCode, this.signalCode] = [code, signal];
            running.delete(this.pid);
            clearTimeout(this.#timer);
            this.stdin?.destroy();
            this.emit('exit', code, signal);
            // What nobody listens to is not waited for.
            for (const stream of streams.slice(1)) if (stream && stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume();
            process.nextTick(closed);
        });
        if (options.timeout > 0) {
            this.#timer = setTimeout(() => this.kill(options.killSignal), options.timeout);
            this.#timer.unref();
        }
        const { signal } = options;
        if (signal) {
            const abort = () => {
                this.kill(options.killSignal);
                this.emit('error', Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' }));
            };
            if (signal.aborted) process.nextTick(abort);
            else signal.addEventListener('abort', abort, { once: true });
        }
    }

    kill(signal) {
        const name = signalName(signal);
        if (signal === 0) return running.has(this.pid);
        if (!this.#child || this.exitCode !== null || this.signalCode !== null) return false;
        this.killed = true;
        this.#killed = name;
        native.childKill(this.#child);
        return true;
    }

    ref() {
        if (this.#poll) referWatch(this.#poll, true);
        return this;
    }

    unref() {
        if (this.#poll) referWatch(this.#poll, false);
        return this;
    }

    send() { absent('a channel to a program that `fork` did not start')(); }
    disconnect() {}
    [Symbol.dispose]() { this.kill(); }
}
Object.defineProperty(ChildProcess.prototype, 'run', { enumerable: false });

export function spawn(file, args, options) {
    const child = new ChildProcess();
    child.run(file, normalize(file, args, options));
    return child;
}

export function fork(file, args, options) {
    if (!Array.isArray(args)) [args, options] = [[], args ?? options];
    if (file instanceof URL) file = fileURLToPath(file);
    const silent = options?.silent || streamsOf(options?.stdio ?? 'inherit')[1] === 'pipe';
    const errors = streamsOf(options?.stdio ?? (silent ? 'pipe' : 'inherit'))[2];
    const env = { ...(options?.env ?? process.env), [VARIABLE]: '1' };
    const child = spawn('node', [...(options?.execArgv ?? []), `${file}`, ...args], { ...options, env, stdio: ['pipe', 'pipe', errors], shell: false });
    attach(child, silent);
    return child;
}

function execFileError(command, code, signal, killed, stdout, stderr) {
    const error = new Error(`Command failed: ${command}\n${stderr}`);
    return Object.assign(error, { code, killed, signal, cmd: command, stdout, stderr });
}

export function execFile(file, args, options, callback) {
    if (typeof args === 'function') [args, options, callback] = [[], {}, args];
    else if (!Array.isArray(args)) [args, options, callback] = [[], args, options];
    else if (typeof options === 'function') [options, callback] = [{}, options];
    options = { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX, killSignal: 'SIGTERM', ...options };
    const child = spawn(file, args, options);
    const collected = [[], []];
    const sizes = [0, 0];
    let failed;
    let over;
    [child.stdout, child.stderr].forEach((stream, at) => stream?.on('data', (bytes) => {
        sizes[at] += bytes.length;
        if (sizes[at] > options.maxBuffer) {
            collected[at].push(bytes.subarray(0, Math.max(0, bytes.length - (sizes[at] - options.maxBuffer))));
            over ??= Object.assign(new RangeError(`${at === 0 ? 'stdout' : 'stderr'} maxBuffer length exceeded`), { code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' });
            child.kill(options.killSignal);
            return;
        }
        collected[at].push(bytes);
    }));
    const results = () => collected.map((pieces) => {
        const all = Buffer.concat(pieces);
        return options.encoding && options.encoding !== 'buffer' ? all.toString(options.encoding) : all;
    });
    child.on('error', (error) => { failed = error; });
    child.on('close', (code, signal) => {
        if (!callback) return;
        const [stdout, stderr] = results();
        const command = [file, ...args].join(' ');
        if (failed ?? over) callback(Object.assign(failed ?? over, { cmd: command, stdout, stderr }), stdout, stderr);
        else if (code === 0 && signal === null) callback(null, stdout, stderr);
        else callback(execFileError(command, code, signal, child.killed, stdout, stderr), stdout, stderr);
    });
    return child;
}

export function exec(command, options, callback) {
    if (typeof options === 'function') [options, callback] = [{}, options];
    return execFile(command, [], { ...options, shell: typeof options?.shell === 'string' ? options.shell : true }, callback);
}

const promisified = Symbol.for('nodejs.util.promisify.custom');
for (const start of [exec, execFile]) {
    start[promisified] = (...args) => {
        let child;
        const promise = new Promise((resolve, reject) => {
            child = start(...args, (error, stdout, stderr) => (error ? reject(Object.assign(error, { stdout, stderr })) : resolve({ stdout, stderr })));
        });
        promise.child = child;
        return promise;
    };
}

// ---- waiting for it

export function spawnSync(file, args, options) {
    const prepared = normalize(file, args, options);
    options = { maxBuffer: OUTPUT_BYTES_MAX, ...prepared.options };
    const stdio = streamsOf(options.stdio ?? 'pipe');
    if (options.input !== undefined && options.input !== null) stdio[0] = 'pipe';
    let made;
    try {
        made = start(prepared, stdio);
    } catch (error) {
        made = { error: Object.assign(error, { message: `spawnSync ${file} ${error.code}`, path: file, spawnargs: prepared.argv.slice(1) }) };
    }
    if (made.error) {
        made.error.syscall = `spawnSync ${prepared.argv[0]}`;
        made.error.message = `spawnSync ${prepared.argv[0]} ${made.error.code}`;
        return { error: made.error, status: null, signal: null, output: null, pid: 0, stdout: null, stderr: null };
    }
    const { child, ours, copies } = made;
    const fromFile = copies.find(({ at }) => at === 0);
    let input = fromFile ? files.readFile(fromFile.fd) : typeof options.input === 'string' ? Buffer.from(options.input, options.encoding === 'buffer' ? 'utf8' : options.encoding) : options.input ?? new Uint8Array(0);
    if (!(input instanceof Uint8Array)) input = new Uint8Array(input.buffer ?? input, input.byteOffset ?? 0, input.byteLength);
    const writer = ours[0] ? native.writerStream(ours[0]) : 0;
    let writing = writer !== 0;
    const outputs = [1, 2].filter((at) => ours[at]).map((at) => ({ at, stream: native.readerStream(ours[at]), pieces: [], size: 0, open: true }));
    const pid = native.childPid(child);
    const deadline = options.timeout > 0 ? native.now() + options.timeout : Infinity;
    let killed = null;
    let error;
    const kill = (code) => {
        killed = signalName(options.killSignal);
        error = Object.assign(systemError(code, `spawnSync ${prepared.argv[0]}`), { message: `spawnSync ${prepared.argv[0]} ${code}`, path: file, spawnargs: prepared.argv.slice(1) });
        native.childKill(child);
    };
    const stopWriting = () => {
        if (!writing) return;
        writing = false;
        native.closeOutput(writer);
        native.closeWriter(ours[0]);
    };
    while (!native.childEnd(child) || outputs.some(({ open }) => open)) {
        if (writing && input.length === 0) stopWriting();
        const over = native.childEnd(child);
        const polls = [];
        if (!over) polls.push(native.childPoll(child));
        if (writing && !over) polls.push(native.pollOutput(writer));
        for (const output of outputs) if (output.open) polls.push(native.pollInput(output.stream));
        native.poll(polls, deadline === Infinity || killed ? -1 : Math.max(0, deadline - native.now()));
        for (const poll of polls) native.closePoll(poll);
        if (!killed && native.now() > deadline) kill('ETIMEDOUT');
        if (writing && !over) {
            const room = native.writable(writer);
            if (room < 0) stopWriting();
            else if (room > 0) {
                if (!native.write(writer, input.subarray(0, room))) stopWriting();
                input = input.subarray(room);
            }
        }
        for (const output of outputs) {
            if (!output.open) continue;
            const bytes = native.read(output.stream, PIECE);
            if (bytes === null) output.open = false;
            else if (bytes.length > 0) {
                output.pieces.push(bytes);
                output.size += bytes.length;
                if (output.size > options.maxBuffer && !killed) kill('ENOBUFS');
            }
        }
    }
    stopWriting();
    const result = [null, null, null];
    for (const output of outputs) {
        native.closeInput(output.stream);
        native.closeReader(ours[output.at]);
        const all = Buffer.concat(output.pieces);
        const copy = copies.find(({ at }) => at === output.at);
        if (copy) files.write(copy.fd, all);
        else result[output.at] = options.encoding && options.encoding !== 'buffer' ? all.toString(options.encoding) : all;
    }
    const { code, signal } = ended(child, killed);
    const answer = { pid, output: result, stdout: result[1], stderr: result[2], status: code, signal };
    if (error) answer.error = error;
    return answer;
}

function outcome(answer, command, args, inherited) {
    if (answer.stderr && inherited) process.stderr.write(answer.stderr);
    if (answer.error) throw Object.assign(answer.error, answer, { error: answer.error });
    if (answer.status !== 0) {
        const text = answer.stderr?.length > 0 ? `\n${answer.stderr}` : '';
        throw Object.assign(new Error(`Command failed: ${[command, ...args].join(' ')}${text}`), answer);
    }
    return answer.stdout;
}

export function execFileSync(file, args, options) {
    if (!Array.isArray(args)) [args, options] = [[], args];
    return outcome(spawnSync(file, args, options), file, args, !options?.stdio);
}

export function execSync(command, options) {
    checkText(command, 'command');
    return outcome(spawnSync(command, [], { ...options, shell: typeof options?.shell === 'string' ? options.shell : true }), command, [], !options?.stdio);
}

export default { ChildProcess, spawn, spawnSync, exec, execSync, execFile, execFileSync, fork };
