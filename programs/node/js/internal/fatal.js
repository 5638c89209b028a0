// What becomes of errors that nobody catches.

import { inspect } from 'lib:internal/util/inspect';
import { writeError } from 'lib:internal/stdio';
import { origin } from 'lib:internal/trace';
import process, { captureCallback } from 'lib:process';
import native from 'lib:internal/native';
import { finish } from 'lib:internal/loop';

const isError = (value) => value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';

/// The line where it was made, with a mark beneath.
function excerpt(error, from) {
    const found = error?.[Symbol.for('swarm-flow.place')] ?? origin(error);
    if (!found?.line) return '';
    const path = found.file.startsWith('file://') ? decodeURIComponent(found.file.slice(7)) : found.file;
    const text = sources.get(found.file) ?? read(path);
    const line = text?.split('\n')[found.line - 1]?.replace(/\r$/, '');
    if (line === undefined) return '';
    // The mark stands beneath the statement that throws it, if that is here; of a rejection, where the error was made.
    const before = line.slice(0, Math.max(0, found.column - 1)).replace(from === 'unhandledRejection' ? /\bnew\s+$/ : /\bthrow\s+(new\s+)?$/, '');
    return `${found.file}:${found.line}\n${line}\n${before.replace(/[^\t]/g, ' ')}^\n\n`;
}

/// Of code that has no file.
export const sources = new Map();

function read(path) {
    if (native.kind(path) !== 1) return undefined;
    const fd = native.open(path, native.openFlags.O_RDONLY);
    if (fd < 0) return undefined;
    const bytes = native.readAll(fd);
    native.close(fd);
    return typeof bytes === 'number' ? undefined : new TextDecoder().decode(bytes);
}

function show(error, from) {
    if (!isError(error)) return `Uncaught:\n${inspect(error)}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)\n`;
    return `${excerpt(error, from)}${inspect(error)}\n`;
}

let dying = false;

/// An error that came out of a turn. Comes back only if the program has a listener for it.
export function fatal(error, from = 'uncaughtException') {
    if (dying) {
        writeError(`${show(error)}\nNode.js ${process.version}\n`);
        process.reallyExit(7);
    }
    const capture = captureCallback();
    if (capture) {
        capture(error);
        return;
    }
    process.emit('uncaughtExceptionMonitor', error, from);
    if (process.listenerCount('uncaughtException') > 0) {
        try {
            process.emit('uncaughtException', error, from);
        } catch (second) {
            writeError(`${show(second)}\nNode.js ${process.version}\n`);
            process.reallyExit(7);
        }
        return;
    }
    dying = true;
    writeError(`${show(error, from)}\nNode.js ${process.version}\n`);
    try {
        process.exitCode = 1;
        process.emit('exit', 1);
    } catch (second) {
        writeError(`${show(second)}\nNode.js ${process.version}\n`);
    }
    process.reallyExit(process.exitCode);
}

// ---- promises that are rejected and have no handler when the turn is over

let pending = new Map();
const told = new WeakSet();

export function onRejection(promise, reason, isHandled) {
    if (!isHandled) {
        pending.set(promise, reason);
    } else if (!pending.delete(promise) && told.has(promise)) {
        told.delete(promise);
        finish(() => process.emit('rejectionHandled', promise));
    }
}

let mode = 'throw';
export const setMode = (wanted) => { mode = wanted; };

/// Whether there were any.
export function tellRejections() {
    if (pending.size === 0) return false;
    const now = pending;
    pending = new Map();
    for (const [promise, reason] of now) {
        told.add(promise);
        if (mode === 'none') continue;
        if (mode === 'strict') fatal(asError(reason), 'unhandledRejection');
        let heard = false;
        try {
            heard = process.emit('unhandledRejection', reason, promise);
        } catch (error) {
            fatal(error);
        }
        if (heard) continue;
        if (mode === 'warn') {
            process.emitWarning(isError(reason) ? reason.stack : inspect(reason), 'UnhandledPromiseRejectionWarning');
        } else {
            fatal(asError(reason), 'unhandledRejection');
        }
    }
    return true;
}

function asError(reason) {
    if (isError(reason)) return reason;
    const text = typeof reason === 'string' ? reason : inspect(reason);
    const error = new Error('This error originated either by throwing inside of an async function without a catch block, '
        + `or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason "${text}".`);
    error.name = 'UnhandledPromiseRejection';
    error.code = 'ERR_UNHANDLED_REJECTION';
    error.stack = `UnhandledPromiseRejection: ${error.message}`;
    return error;
}
