// Standard input, output and error. Output is written at once: a command that is ended has printed what it printed.

import native from 'lib:internal/native';
import { unwatch, watch, referWatch } from 'lib:internal/loop';
import { Readable, Writable } from 'lib:stream';
import { Buffer } from 'lib:buffer';

const outputs = {};

const output = (fd) => (outputs[fd] ??= fd === 2 ? native.stderr() : native.stdout());

/// Who writes on and on to nobody is ended, as by SIGPIPE.
const UNHEARD_MAX = 10_000;
let unheard = 0;

function heard(written) {
    unheard = written ? 0 : unheard + 1;
    if (unheard > UNHEARD_MAX) native.exit(141);
    return written;
}

/// False if nobody reads any more.
export const writeText = (fd, text) => heard(native.writeText(output(fd), text));

export const writeBytes = (fd, bytes) => heard(native.write(output(fd), bytes));

export const writeError = (text) => writeText(2, text);
export const flush = () => {};

const isTerminal = () => false;

function openOutput(fd) {
    const stream = new Writable({
        decodeStrings: false,
        emitClose: false,
        autoDestroy: true,
        write(chunk, encoding, done) {
            const simple = typeof chunk === 'string' && /^(utf-?8|buffer)$/i.test(encoding ?? 'utf8');
            const written = simple ? writeText(fd, chunk) : writeBytes(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
            done(written ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE', errno: -32, syscall: 'write' }));
        },
    });
    Object.assign(stream, { fd, _type: 'pipe', isTTY: isTerminal(fd) || undefined, _isStdio: true });
    // As in Node.js, neither can be closed.
    stream.destroySoon = stream.destroy;
    stream._destroy = function _destroy(error, done) {
        done(error);
    };
    stream.getColorDepth = () => 1;
    stream.hasColors = () => false;
    return stream;
}

export const openStdout = () => openOutput(1);
export const openStderr = () => openOutput(2);

const PIECE = 65536;
let input;

export const stdinStream = () => (input ??= native.stdin());

export function openStdin() {
    let poll = 0;
    let referenced = true;
    let stopped = false;
    const stream = new Readable({
        highWaterMark: PIECE,
        read() {
            if (poll) {
                referWatch(poll, referenced);
                return;
            }
            next();
        },
        destroy(error, done) {
            if (poll) unwatch(poll);
            poll = 0;
            done(error);
        },
    });
    function next() {
        poll = native.pollInput(stdinStream());
        watch(poll, () => {
            poll = 0;
            const bytes = native.read(stdinStream(), PIECE);
            if (bytes === null) stream.push(null);
            else if (bytes.length === 0) next();
            else stream.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        }, referenced && !stopped);
    }
    const refer = (value) => {
        referenced = value;
        if (poll) referWatch(poll, referenced && !stopped);
        return stream;
    };
    // A stream that is paused keeps no program alive.
    stream.on('pause', () => {
        stopped = true;
        if (poll) referWatch(poll, false);
    });
    stream.on('resume', () => {
        stopped = false;
        if (poll) referWatch(poll, referenced);
    });
    return Object.assign(stream, {
        fd: 0, isTTY: undefined, isRaw: false, ref: () => refer(true), unref: () => refer(false), setRawMode: () => stream,
    });
}

/// All of it, waiting.
export function readStdin() {
    const pieces = [];
    for (let bytes; (bytes = native.read(stdinStream(), 1 << 20, true)) !== null;) pieces.push(bytes);
    return Buffer.concat(pieces);
}

/// Some of it, waiting; nothing at its end.
export function readStdinSome(length) {
    for (;;) {
        const bytes = native.read(stdinStream(), length, true);
        if (bytes === null) return new Uint8Array(0);
        if (bytes.length > 0) return bytes;
    }
}

export default { writeText, writeBytes, writeError, flush, openStdin, openStdout, openStderr, readStdin };
