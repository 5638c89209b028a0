// `readline`, without a terminal: lines of a stream, and questions.

import EventEmitter from 'lib:events';
import { StringDecoder } from 'lib:string_decoder';
import process from 'lib:process';

export class Interface extends EventEmitter {
    #decoder = new StringDecoder('utf8');
    #rest = '';
    #afterReturn = false;
    #questions = [];
    #prompt = '> ';
    #waiting = [];
    #ended = false;

    constructor(input, output, completer, terminal) {
        super();
        let options = { input, output, completer, terminal };
        if (input && typeof input.on !== 'function' && input.input) options = input;
        ({ input, output } = options);
        if (input === undefined) throw Object.assign(new TypeError('The "input" argument must be an instance of Stream. Received undefined'), { code: 'ERR_INVALID_ARG_TYPE' });
        Object.assign(this, { input, output, terminal: false, line: '', cursor: 0, history: [], closed: false, paused: false, crlfDelay: options.crlfDelay ?? 100, completer: options.completer });
        if (options.prompt !== undefined) this.#prompt = options.prompt;
        this.onData = (bytes) => this.#take(typeof bytes === 'string' ? bytes : this.#decoder.write(bytes));
        this.onEnd = () => {
            this.#take(this.#decoder.end());
            this.#ended = true;
            if (this.#rest !== '') {
                const line = this.#rest;
                this.#rest = '';
                this.#tell(line);
            }
            this.close();
        };
        this.onError = (error) => this.emit('error', error);
        for (const name of ['onData', 'onEnd', 'onError']) Object.defineProperty(this, name, { enumerable: false });
        input.on('data', this.onData);
        input.on('end', this.onEnd);
        input.on('error', this.onError);
        options.signal?.addEventListener('abort', () => this.close(), { once: true });
        input.resume?.();
    }

    #take(text) {
        if (text === '') return;
        if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
        this.#afterReturn = text.endsWith('\r');
        const lines = (this.#rest + text).split(/\r\n|\n|\r|\u2028|\u2029/);
        this.#rest = lines.pop();
        for (const line of lines) this.#tell(line);
    }

    #tell(line) {
        // A line that came before a pause waits for its end.
        if (this.paused && !this.#ended) {
            this.#waiting.push(line);
            return;
        }
        const question = this.#questions.shift();
        if (question) question(line);
        else this.emit('line', line);
    }

    getPrompt() { return this.#prompt; }
    setPrompt(prompt) { this.#prompt = `${prompt}`; }
    prompt() {
        if (this.paused) this.resume();
        this.output?.write(this.#prompt);
    }

    question(query, options, callback) {
        if (typeof options === 'function') callback = options;
        if (this.closed) throw Object.assign(new Error('readline was closed'), { code: 'ERR_USE_AFTER_CLOSE' });
        if (this.paused) this.resume();
        this.output?.write(query);
        this.#questions.push(callback);
        options?.signal?.addEventListener('abort', () => { this.#questions = this.#questions.filter((each) => each !== callback); }, { once: true });
    }

    write(data) {
        if (this.closed) throw Object.assign(new Error('readline was closed'), { code: 'ERR_USE_AFTER_CLOSE' });
        if (data !== undefined && data !== null) this.#take(`${data}`);
    }

    pause() {
        if (this.paused) return this;
        this.input.pause?.();
        this.paused = true;
        this.emit('pause');
        return this;
    }

    resume() {
        if (!this.paused) return this;
        this.paused = false;
        this.input.resume?.();
        this.emit('resume');
        for (const line of this.#waiting.splice(0)) this.#tell(line);
        return this;
    }

    close() {
        if (this.closed) return;
        this.pause();
        this.input.removeListener('data', this.onData);
        this.input.removeListener('end', this.onEnd);
        this.closed = true;
        this.emit('close');
    }

    [Symbol.dispose]() { this.close(); }
    getCursorPos() { return { rows: 0, cols: this.cursor }; }

    async *[Symbol.asyncIterator]() {
        const lines = [];
        let wake = () => {};
        let failed;
        const onLine = (line) => { lines.push(line); wake(); };
        const onClose = () => wake();
        const onError = (error) => { failed = { error }; wake(); };
        this.on('line', onLine);
        this.on('close', onClose);
        this.on('error', onError);
        try {
            for (;;) {
                while (lines.length > 0) yield lines.shift();
                if (failed) throw failed.error;
                if (this.closed) return;
                await new Promise((resolve) => { wake = resolve; });
            }
        } finally {
            this.off('line', onLine);
            this.off('close', onClose);
            this.off('error', onError);
            this.close();
        }
    }
}
Interface.prototype.question[Symbol.for('nodejs.util.promisify.custom')] = function question(query, options) {
    return new Promise((resolve) => this.question(query, options, resolve));
};

export const createInterface = (input, output, completer, terminal) => new Interface(input, output, completer, terminal);

const sequence = (text) => (stream, ...rest) => {
    const callback = rest.find((each) => typeof each === 'function');
    if (stream === null || stream === undefined || text === '') {
        if (callback) process.nextTick(callback, null);
        return true;
    }
    return stream.write(typeof text === 'function' ? text(...rest) : text, callback);
};
export const clearLine = sequence((direction) => (direction < 0 ? '\x1b[1K' : direction > 0 ? '\x1b[0K' : '\x1b[2K'));
export const clearScreenDown = sequence('\x1b[0J');
export const cursorTo = sequence((x, y) => (typeof y === 'number' ? `\x1b[${y + 1};${x + 1}H` : `\x1b[${x + 1}G`));
export const moveCursor = sequence((dx, dy) => `${dx ? `\x1b[${Math.abs(dx)}${dx > 0 ? 'C' : 'D'}` : ''}${dy ? `\x1b[${Math.abs(dy)}${dy > 0 ? 'B' : 'A'}` : ''}`);
export const emitKeypressEvents = () => {};

class PromiseInterface extends Interface {
    question(query, options) {
        return new Promise((resolve, reject) => {
            if (options?.signal?.aborted) {
                reject(options.signal.reason);
                return;
            }
            options?.signal?.addEventListener('abort', () => reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' })), { once: true });
            super.question(query, options, resolve);
        });
    }
}
class Readline {
    #text = '';
    #stream;
    constructor(stream) { this.#stream = stream; }
    clearLine(direction) { this.#text += direction < 0 ? '\x1b[1K' : direction > 0 ? '\x1b[0K' : '\x1b[2K'; return this; }
    clearScreenDown() { this.#text += '\x1b[0J'; return this; }
    cursorTo(x, y) { this.#text += typeof y === 'number' ? `\x1b[${y + 1};${x + 1}H` : `\x1b[${x + 1}G`; return this; }
    moveCursor(dx, dy) { moveCursor({ write: (text) => { this.#text += text; } }, dx, dy); return this; }
    rollback() { this.#text = ''; return this; }
    async commit() { this.#stream.write(this.#text); this.#text = ''; }
}
export const promises = { Interface: PromiseInterface, Readline, createInterface: (...args) => new PromiseInterface(...args) };

export default { Interface, createInterface, clearLine, clearScreenDown, cursorTo, moveCursor, emitKeypressEvents, promises };
