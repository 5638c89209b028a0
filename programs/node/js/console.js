// `console`.

import process from 'lib:process';
import { formatWithOptions, inspect } from 'lib:internal/util/inspect';
import { writeText } from 'lib:internal/stdio';
import native from 'lib:internal/native';

const GROUP = 2;

export class Console {
    #out;
    #error;
    #options;
    #indent = '';
    #width;
    #counts = new Map();
    #times = new Map();
    #ignoreErrors;

    constructor(stdout, stderr, ignoreErrors = true) {
        let options = {};
        if (stdout && typeof stdout.write !== 'function') ({ stdout, stderr, ignoreErrors = true, ...options } = stdout);
        if (!stdout || typeof stdout.write !== 'function') {
            throw Object.assign(new TypeError('Console expects a writable stream instance for stdout'), { code: 'ERR_CONSOLE_WRITABLE_STREAM' });
        }
        this.#out = stdout;
        this.#error = stderr ?? stdout;
        this.#ignoreErrors = ignoreErrors;
        this.#options = options.inspectOptions ?? {};
        this.#width = options.groupIndentation ?? GROUP;
        // Methods work without their object.
        for (const name of Object.getOwnPropertyNames(Console.prototype)) {
            if (name !== 'constructor') Object.defineProperty(this, name, { value: this[name].bind(this), writable: true, configurable: true, enumerable: true });
        }
        for (const [name, original] of [['debug', 'log'], ['info', 'log'], ['dirxml', 'log'], ['error', 'warn'], ['groupCollapsed', 'group']]) this[name] = this[original];
    }

    #print(stream, text) {
        if (this.#indent) text = this.#indent + text.replaceAll('\n', `\n${this.#indent}`);
        const ignore = () => {};
        if (this.#ignoreErrors) stream.once?.('error', ignore);
        try {
            stream.write(`${text}\n`);
        } catch (error) {
            if (!this.#ignoreErrors) throw error;
        } finally {
            if (this.#ignoreErrors) stream.removeListener?.('error', ignore);
        }
    }

    #format(args) {
        return args.length === 1 && typeof args[0] === 'string' ? args[0] : formatWithOptions(this.#options, ...args);
    }

    log(...args) { this.#print(this.#out, this.#format(args)); }
    warn(...args) { this.#print(this.#error, this.#format(args)); }

    dir(value, options) { this.#print(this.#out, inspect(value, { customInspect: false, ...this.#options, ...options })); }

    trace(...args) {
        const holder = { name: 'Trace', message: this.#format(args) };
        Error.captureStackTrace(holder, this.trace);
        this.warn(holder.stack ?? 'Trace');
    }

    assert(value, ...args) {
        if (value) return;
        if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
        else args.unshift('Assertion failed');
        this.warn(...args);
    }

    clear() {}

    count(label = 'default') {
        label = `${label}`;
        const count = (this.#counts.get(label) ?? 0) + 1;
        this.#counts.set(label, count);
        this.log(`${label}: ${count}`);
    }

    countReset(label = 'default') {
        if (!this.#counts.delete(`${label}`)) process.emitWarning(`Count for '${label}' does not exist`);
    }

    group(...args) {
        if (args.length > 0) this.log(...args);
        this.#indent += ' '.repeat(this.#width);
    }

    groupEnd() { this.#indent = this.#indent.slice(0, Math.max(0, this.#indent.length - this.#width)); }

    time(label = 'default') {
        label = `${label}`;
        if (this.#times.has(label)) process.emitWarning(`Label '${label}' already exists for console.time()`);
        else this.#times.set(label, native.now());
    }

    timeLog(label = 'default', ...args) { this.#elapsed(`${label}`, 'timeLog', args); }

    timeEnd(label = 'default') { if (this.#elapsed(`${label}`, 'timeEnd', [])) this.#times.delete(`${label}`); }

    #elapsed(label, name, args) {
        const start = this.#times.get(label);
        if (start === undefined) {
            process.emitWarning(`No such label '${label}' for console.${name}()`);
            return false;
        }
        this.log('%s: %s', label, duration(native.now() - start), ...args);
        return true;
    }

    timeStamp() {}
    profile() {}
    profileEnd() {}

    table(data, columns) {
        if (data === null || typeof data !== 'object') {
            this.log(data);
            return;
        }
        this.log(table(data, columns, this.#options));
    }
}

function duration(ms) {
    const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
    const seconds = (ms / 1000) % 60;
    if (hours > 0) return `${hours}:${String(minutes).padStart(2, '0')}:${String(Math.floor(seconds)).padStart(2, '0')} (h:mm:ss)`;
    if (minutes > 0) return `${minutes}:${seconds.toFixed(3).padStart(6, '0')} (m:ss.mmm)`;
    return ms >= 1000 ? `${(ms / 1000).toFixed(3)}s` : `${Number(ms.toFixed(3))}ms`;
}

function table(data, columns, options) {
    const show = (value) => inspect(value, { maxArrayLength: 3, breakLength: Infinity, depth: value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 2 ? -1 : 0, ...options });
    const isMap = data instanceof Map;
    const entries = isMap || data instanceof Set ? [...data.entries()].map(([key, value], at) => [String(at), value, key]) : Object.keys(data).map((key) => [key, data[key]]);
    const header = [isMap || data instanceof Set ? '(iteration index)' : '(index)'];
    if (isMap) header.push('Key');
    const names = columns ? [...columns] : [];
    if (!columns) {
        for (const [, value] of entries) {
            if (value !== null && typeof value === 'object') for (const key of Object.keys(value)) if (!names.includes(key)) names.push(key);
        }
    }
    const plain = entries.some(([, value]) => value === null || typeof value !== 'object');
    const rows = entries.map(([index, value, key]) => {
        const isObject = value !== null && typeof value === 'object';
        return [
            index, ...(isMap ? [show(key)] : []),
            ...names.map((name) => (isObject && Object.hasOwn(value, name) ? show(value[name]) : '')),
            ...(plain && !columns ? [isObject ? '' : show(value)] : []),
        ];
    });
    const titles = [...header, ...names, ...(plain && !columns ? ['Values'] : [])];
    const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length)) + 2);
    const line = (left, middle, right) => left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
    const cells = (row) => `│${row.map((cell, at) => ` ${cell}${' '.repeat(widths[at] - cell.length - 1)}`).join('│')}│`;
    return [line('┌', '┬', '┐'), cells(titles), line('├', '┼', '┤'), ...rows.map(cells), line('└', '┴', '┘')].join('\n');
}

// The streams are only made for those that ask for them.
const stream = (fd, name) => ({
    write(text) {
        if (streams[name] === undefined) writeText(fd, text);
        else process[name].write(text);
    },
    once(...args) { if (streams[name] !== undefined) process[name].once?.(...args); },
    removeListener(...args) { if (streams[name] !== undefined) process[name].removeListener?.(...args); },
});
const streams = {};

const console = new Console(stream(1, 'stdout'), stream(2, 'stderr'));
console.Console = Console;
Object.defineProperty(console, 'streams', { value: streams });
Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
console.context = () => console;
export default console;
