// There is one thread. Channels work within it.

import EventEmitter from 'lib:events';
import structuredClone from 'lib:structured_clone';
import { absent } from 'lib:internal/absent';


export class MessagePort extends EventEmitter {
    #other;
    #closed = false;
    #started = false;
    #waiting = [];
    #onmessage = null;
    pair(other) { this.#other = other; }
    postMessage(value, transfer) {
        const copy = structuredClone(value, Array.isArray(transfer) ? { transfer } : transfer);
        const other = this.#other;
        if (!this.#closed) setImmediate(() => other.receive(copy));
    }
    receive(value) {
        if (this.#closed) return;
        if (!this.#started) {
            this.#waiting.push(value);
            return;
        }
        this.emit('message', value);
        this.#onmessage?.({ type: 'message', data: value, target: this });
    }
    on(name, listener) {
        super.on(name, listener);
        if (name === 'message') this.start();
        return this;
    }
    addEventListener(name, listener) { this.on(name, (data) => (listener.handleEvent ?? listener)({ type: name, data, target: this })); }
    removeEventListener(name, listener) { this.off(name, listener); }
    set onmessage(listener) {
        this.#onmessage = listener;
        this.start();
    }
    get onmessage() { return this.#onmessage; }
    start() {
        this.#started = true;
        for (const value of this.#waiting.splice(0)) setImmediate(() => this.receive(value));
    }
    close() {
        if (this.#closed) return;
        this.#closed = true;
        const other = this.#other;
        setImmediate(() => {
            this.emit('close');
            other.close();
        });
    }
    ref() { return this; }
    unref() { return this; }
}

export class MessageChannel {
    constructor() {
        this.port1 = new MessagePort();
        this.port2 = new MessagePort();
        this.port1.pair(this.port2);
        this.port2.pair(this.port1);
    }
}

const channels = new Map();
export class BroadcastChannel extends EventEmitter {
    constructor(name) {
        super();
        this.name = `${name}`;
        this.onmessage = null;
        if (!channels.has(this.name)) channels.set(this.name, new Set());
        channels.get(this.name).add(this);
    }
    postMessage(value) {
        for (const other of channels.get(this.name)) {
            if (other !== this) setImmediate(() => { other.onmessage?.({ data: structuredClone(value) }); other.emit('message', value); });
        }
    }
    close() { channels.get(this.name)?.delete(this); }
    ref() { return this; }
    unref() { return this; }
}

export class Worker extends EventEmitter {
    constructor() {
        super();
        absent('a thread')();
    }
}

export default {
    isMainThread: true, isInternalThread: false, parentPort: null, workerData: null, threadId: 0, resourceLimits: {}, SHARE_ENV: Symbol.for('nodejs.worker_threads.SHARE_ENV'),
    Worker, MessagePort, MessageChannel, BroadcastChannel, markAsUntransferable() {}, isMarkedAsUntransferable: () => false, moveMessagePortToContext: (port) => port,
    receiveMessageOnPort: () => undefined, getEnvironmentData: () => undefined, setEnvironmentData() {}, postMessageToThread: absent('a thread'),
};
