// The channel of `fork`. A program has three streams and no fourth, so messages are lines: to the child on its standard
// input, from it on its standard output, where a mark tells them from what it prints.

import process from 'lib:process';
import { openStdin, writeText } from 'lib:internal/stdio';
import { finish } from 'lib:internal/loop';
import { PassThrough } from 'lib:stream';

const MARK = '\u0001message ';
export const VARIABLE = 'SWARM_FLOW_CHANNEL';

/// Calls back with each whole line.
function eachLine(stream, tell) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        for (const line of lines) tell(line, '\n');
    });
    stream.on('end', () => { if (rest !== '') tell(rest, ''); });
}

const encode = (message) => {
    if (message === undefined) throw Object.assign(new TypeError('The "message" argument must be specified'), { code: 'ERR_MISSING_ARGS' });
    return JSON.stringify(message);
};

/// The parent's end.
export function attach(child, silent) {
    const { stdin, stdout } = child;
    const shown = new PassThrough();
    child.connected = true;
    child.channel = { ref() {}, unref() {} };
    eachLine(stdout, (line, end) => {
        if (line.startsWith(MARK)) child.emit('message', JSON.parse(line.slice(MARK.length)), undefined);
        else if (silent) shown.write(line + end);
        else process.stdout.write(line + end);
    });
    stdout.on('end', () => shown.end());
    stdin.on('error', () => {});
    child.send = (message, ...rest) => {
        const callback = rest.find((each) => typeof each === 'function');
        if (!child.connected) {
            const error = Object.assign(new Error('Channel closed'), { code: 'ERR_IPC_CHANNEL_CLOSED' });
            if (callback) process.nextTick(callback, error);
            else process.nextTick(() => child.emit('error', error));
            return false;
        }
        stdin.write(`${encode(message)}\n`);
        if (callback) process.nextTick(callback, null);
        return true;
    };
    child.disconnect = () => {
        if (!child.connected) return;
        child.connected = false;
        stdin.end();
        finish(() => child.emit('disconnect'));
    };
    child.once('exit', () => child.disconnect());
    Object.assign(child, { stdin: null, stdout: silent ? shown : null, stdio: [null, silent ? shown : null, child.stderr, null] });
}

/// The child's end, if this is one.
export function connect() {
    if (process.env[VARIABLE] === undefined) return;
    delete process.env[VARIABLE];
    let input;
    process.connected = true;
    process.channel = { ref: () => input?.ref(), unref: () => input?.unref() };
    process.send = (message, ...rest) => {
        const callback = rest.find((each) => typeof each === 'function');
        writeText(1, `${MARK}${encode(message)}\n`);
        if (callback) process.nextTick(callback, null);
        return true;
    };
    process.disconnect = () => {
        if (!process.connected) return;
        process.connected = false;
        input?.destroy();
        finish(() => process.emit('disconnect'));
    };
    // Only who listens waits for messages.
    process.on('newListener', (name) => {
        if (input || (name !== 'message' && name !== 'disconnect')) return;
        input = openStdin();
        eachLine(input, (line) => finish(() => process.emit('message', JSON.parse(line), undefined)));
        input.on('end', process.disconnect);
    });
}
