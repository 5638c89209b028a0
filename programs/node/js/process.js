// `process`. What differs from start to start, `renew` sets.

import native from 'lib:internal/native';
import EventEmitter from 'lib:events';
import { tick } from 'lib:internal/loop';
import { builtin } from 'lib:internal/registry';

/// The Node.js whose interfaces this follows, for code that checks. `release.name` and `versions` say what it is.
const VERSION = '22.12.0';

function Process() {
    EventEmitter.call(this);
}
Object.setPrototypeOf(Process.prototype, EventEmitter.prototype);
Object.defineProperty(Process.prototype, Symbol.toStringTag, { value: 'process', configurable: true });
Object.defineProperty(Process.prototype, 'constructor', { value: Object.defineProperty(function process() {}, 'name', { value: 'process' }), configurable: true, writable: true });

const process = new Process();
export default process;

const methods = {
    title: 'node',
    version: `v${VERSION}`,
    versions: { node: VERSION, 'swarm-flow': '0.1.0', quickjs: '0.14.0', modules: '127', uv: '1.49.1', v8: '0.0.0', unicode: '16.0' },
    arch: 'wasm32',
    platform: 'linux',
    release: { name: 'node', implementation: 'swarm-flow (QuickJS on WASI)', lts: 'Jod' },
    argv: [],
    execArgv: [],
    execPath: '/usr/bin/node',
    env: {},
    pid: 1,
    ppid: 0,
    debugPort: 9229,
    exitCode: undefined,
    features: {
        inspector: false, debug: false, uv: false, ipv6: true, tls_alpn: false, tls_sni: false, tls_ocsp: false, tls: false,
        cached_builtins: true, require_module: true, typescript: 'transform',
    },
    config: { target_defaults: {}, variables: {} },
    allowedNodeEnvironmentFlags: new Set(),
    moduleLoadList: [],
    noDeprecation: false,
    throwDeprecation: false,
    traceDeprecation: false,

    nextTick(callback, ...args) {
        if (typeof callback !== 'function') {
            const error = new TypeError(`The "callback" argument must be of type function. Received ${callback === null ? 'null' : typeof callback}`);
            error.code = 'ERR_INVALID_ARG_TYPE';
            throw error;
        }
        tick(callback, args);
    },

    cwd: () => cwd,

    chdir(folder) {
        const path = builtin('path').resolve(cwd, String(folder));
        if (native.kind(path) !== 2) {
            const code = native.kind(path) === 1 ? 'ENOTDIR' : 'ENOENT';
            const text = code === 'ENOENT' ? 'no such file or directory' : 'not a directory';
            throw Object.assign(new Error(`${code}: ${text}, chdir ${cwd} -> '${folder}'`), { code, syscall: 'chdir', path: cwd, dest: folder });
        }
        cwd = path;
        process.env.PWD = path;
    },

    exit(code) {
        if (code !== undefined) process.exitCode = checkCode(code);
        if (!exiting) {
            exiting = true;
            process._exiting = true;
            process.emit('exit', Number(process.exitCode ?? 0));
        }
        process.reallyExit(process.exitCode);
    },

    reallyExit(code) {
        flush();
        native.exit(Number(code ?? 0) & 0xff);
    },

    abort() {
        flush();
        native.exit(134);
    },

    // Only this program is there to be told. A signal that it has no listener for ends it.
    kill(pid, signal = 'SIGTERM') {
        const numbers = builtin('os').constants.signals;
        const number = typeof signal === 'number' ? signal : numbers[signal];
        if (number === undefined) {
            throw Object.assign(new TypeError(`Unknown signal: ${signal}`), { code: 'ERR_UNKNOWN_SIGNAL' });
        }
        if (Number(pid) !== process.pid) {
            if (builtin('internal/children')?.killPid(Number(pid), number)) return true;
            throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH', errno: -3, syscall: 'kill' });
        }
        if (number === 0) return true;
        const name = Object.keys(numbers).find((each) => numbers[each] === number);
        if (!process.emit(name, name, number)) {
            flush();
            native.exit(128 + number);
        }
        return true;
    },

    uptime: () => (native.now() - started) / 1000,

    hrtime: Object.assign(
        function hrtime(before) {
            let [seconds, nanoseconds] = native.monotonic();
            if (before) {
                seconds -= before[0];
                nanoseconds -= before[1];
                if (nanoseconds < 0) {
                    seconds -= 1;
                    nanoseconds += 1e9;
                }
            }
            return [seconds, nanoseconds];
        },
        {
            bigint() {
                const [seconds, nanoseconds] = native.monotonic();
                return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
            },
        },
    ),

    memoryUsage: Object.assign(
        function memoryUsage() {
            const [rss, heapTotal, heapUsed] = native.memory();
            return { rss, heapTotal, heapUsed, external: 0, arrayBuffers: 0 };
        },
        { rss: () => native.memory()[0] },
    ),
    constrainedMemory: () => 0,
    availableMemory: () => 2 ** 32 - native.memory()[0],

    cpuUsage(before) {
        const user = Math.round((native.now() - started) * 1000);
        return { user: user - (before?.user ?? 0), system: 0 - (before?.system ?? 0) };
    },

    resourceUsage: () => ({
        userCPUTime: process.cpuUsage().user, systemCPUTime: 0, maxRSS: Math.round(native.memory()[0] / 1024), sharedMemorySize: 0,
        unsharedDataSize: 0, unsharedStackSize: 0, minorPageFault: 0, majorPageFault: 0, swappedOut: 0, fsRead: 0, fsWrite: 0,
        ipcSent: 0, ipcReceived: 0, signalsCount: 0, voluntaryContextSwitches: 0, involuntaryContextSwitches: 0,
    }),

    umask(mask) {
        const before = umask;
        if (mask !== undefined) umask = typeof mask === 'string' ? parseInt(mask, 8) : mask;
        return before;
    },

    getuid: () => 1000,
    geteuid: () => 1000,
    getgid: () => 1000,
    getegid: () => 1000,
    getgroups: () => [1000],

    emitWarning(warning, type, code, constructor) {
        let detail;
        if (type !== null && typeof type === 'object' && !Array.isArray(type)) {
            ({ type, code, detail, ctor: constructor } = type);
        } else if (typeof type === 'function') {
            constructor = type;
            type = code = undefined;
        }
        if (typeof code === 'function') {
            constructor = code;
            code = undefined;
        }
        if (typeof warning === 'string') {
            const text = warning;
            warning = new Error(text);
            warning.name = String(type || 'Warning');
            if (code !== undefined) warning.code = code;
            if (detail !== undefined) warning.detail = detail;
            Error.captureStackTrace(warning, constructor || process.emitWarning);
        }
        if (warning.name === 'DeprecationWarning') {
            if (process.noDeprecation) return;
            if (process.throwDeprecation) throw warning;
        }
        process.nextTick(() => process.emit('warning', warning));
    },

    setUncaughtExceptionCaptureCallback(callback) {
        capture = callback;
    },
    hasUncaughtExceptionCaptureCallback: () => capture !== null,

    binding(name) {
        throw Object.assign(new Error(`No such module: ${name}`), { code: 'ERR_INVALID_MODULE' });
    },
    dlopen(_, file) {
        throw Object.assign(new Error(`${file}: a native addon cannot run in a sandbox`), { code: 'ERR_DLOPEN_FAILED' });
    },
    getBuiltinModule: (name) => builtin(name.replace(/^node:/, '')),
    setSourceMapsEnabled() {},
    getActiveResourcesInfo: () => [],
    assert: (value, ...rest) => builtin('assert').ok(value, ...rest),
    openStdin() {
        process.stdin.resume();
        return process.stdin;
    },
    loadEnvFile(path = '.env') {
        const parsed = builtin('util').parseEnv(builtin('fs').readFileSync(path, 'utf8'));
        for (const name of Object.keys(parsed)) process.env[name] ??= parsed[name];
    },
    report: { getReport: () => ({}), writeReport: () => '' },
    permission: undefined,
    finalization: { register() {}, registerBeforeExit() {}, unregister() {} },
};
Object.assign(process, methods);
const values = {};
export const env = (process.env = variables(values));

let cwd = '/';
let started = 0;
let exiting = false;
let umask = 0o022;
let capture = null;

export const captureCallback = () => capture;
export const nextTick = process.nextTick;
export const { emitWarning, cwd: currentFolder } = methods;

function checkCode(code) {
    const number = Number(code);
    if (code === null || typeof code === 'boolean' || !Number.isInteger(number)) {
        throw Object.assign(new TypeError(`The "code" argument must be of type number. Received ${typeof code === 'string' ? `type string ('${code}')` : String(code)}`), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    return number;
}

/// Values are text, and what is not there is undefined.
function variables(target) {
    return new Proxy(target, {
        set(_, name, value) {
            if (typeof name === 'symbol' || typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
            target[name] = String(value);
            return true;
        },
        defineProperty(_, name, descriptor) {
            if ('value' in descriptor) descriptor = { ...descriptor, value: String(descriptor.value) };
            return Reflect.defineProperty(target, name, { ...descriptor, configurable: true, enumerable: true, writable: true });
        },
    });
}

for (const [name, open] of [['stdin', 'openStdin'], ['stdout', 'openStdout'], ['stderr', 'openStderr']]) {
    let stream;
    Object.defineProperty(process, name, {
        configurable: true,
        enumerable: true,
        get: () => (stream ??= builtin('console').streams[name] = builtin('internal/stdio')[open]()),
        set: (value) => { stream = builtin('console').streams[name] = value; },
    });
}

process.on('warning', (warning) => {
    if (process.env.NODE_NO_WARNINGS === '1' || process.execArgv.includes('--no-warnings')) return;
    const code = warning.code ? `[${warning.code}] ` : '';
    const text = process.traceDeprecation ? warning.stack : `${warning.name}: ${warning.message}`;
    const detail = typeof warning.detail === 'string' ? `\n${warning.detail}` : '';
    builtin('internal/stdio').writeError(`(node:${process.pid}) ${code}${text}${detail}\n`);
});

function flush() {
    builtin('internal/stdio')?.flush?.();
}

/// What an image cannot know.
export function renew() {
    started = native.now();
    for (const [name, value] of native.env()) values[name] = value;
    const named = process.env.PWD;
    cwd = [named, native.initialCwd(), '/workspace'].find((path) => path?.startsWith('/') && native.kind(path) === 2) ?? '/';
    try {
        process.pid = native.ownPid();
    } catch {
        process.pid = 1;
    }
}
