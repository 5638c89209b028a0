// `http` and `https` as a client. A sandbox does not listen.

import { closeBody, exchange, nextPiece, TEXTS } from 'lib:fetch';
import { Buffer } from 'lib:buffer';
import { Readable, Writable } from 'lib:stream';
import EventEmitter from 'lib:events';
import { absent } from 'lib:internal/absent';
import { Server as NetServer } from 'lib:net';

const METHODS = ['ACL', 'BIND', 'CHECKOUT', 'CONNECT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LINK', 'LOCK', 'M-SEARCH', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MOVE', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PURGE', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'SOURCE', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE'];

export class Agent extends EventEmitter {
    constructor(options = {}) {
        super();
        Object.assign(this, { options: { ...options }, requests: {}, sockets: {}, freeSockets: {}, maxSockets: Infinity, maxFreeSockets: 256, keepAlive: options.keepAlive ?? false, protocol: 'http:', defaultPort: 80 });
    }
    destroy() {}
    getName() { return ''; }
}
export const globalAgent = new Agent();

// What looks at the connection finds one.
const socket = () => Object.assign(new EventEmitter(), {
    remoteAddress: undefined, encrypted: false, authorized: true, connecting: false, destroyed: false, writable: true, readable: true,
    setTimeout() { return this; }, setNoDelay() { return this; }, setKeepAlive() { return this; }, ref() { return this; }, unref() { return this; }, destroy() { return this; }, end() { return this; },
});

export class IncomingMessage extends Readable {
    #answer;
    #reading = false;
    constructor(answer, connection) {
        super();
        this.#answer = answer;
        Object.assign(this, { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, complete: false, aborted: false, rawHeaders: [], headers: {}, headersDistinct: {}, trailers: {}, rawTrailers: [], url: '', method: null, statusCode: null, statusMessage: null, socket: connection, connection });
        if (!answer?.headers) return;
        this.statusCode = answer.status;
        this.statusMessage = TEXTS[answer.status] ?? '';
        for (const [name, value] of answer.headers) {
            this.rawHeaders.push(name, value);
            const key = name.toLowerCase();
            (this.headersDistinct[key] ??= []).push(value);
            if (key === 'set-cookie') (this.headers[key] ??= []).push(value);
            else this.headers[key] = key in this.headers ? `${this.headers[key]}, ${value}` : value;
        }
    }
    _read() {
        if (this.#reading) return;
        this.#reading = true;
        nextPiece(this.#answer.stream).then((bytes) => {
            this.#reading = false;
            if (this.destroyed) return;
            if (bytes === null) {
                this.complete = true;
                this.push(null);
            } else {
                this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
            }
        }, (error) => this.destroy(error));
    }
    _destroy(error, done) {
        if (this.#answer?.stream) closeBody(this.#answer);
        this.#answer = {};
        done(error);
    }
    setTimeout() { return this; }
}

export class OutgoingMessage extends Writable {
    headersSent = false;
    sendDate = false;
    finished = false;
    #headers = new Map();
    setHeader(name, value) {
        validateHeaderName(name);
        this.#headers.set(name.toLowerCase(), [name, value]);
        return this;
    }
    setHeaders(headers) {
        for (const [name, value] of headers) this.setHeader(name, value);
        return this;
    }
    appendHeader(name, value) {
        const before = this.getHeader(name);
        return this.setHeader(name, before === undefined ? value : [before, value].flat());
    }
    getHeader(name) { return this.#headers.get(name.toLowerCase())?.[1]; }
    getHeaders() { return Object.assign(Object.create(null), Object.fromEntries([...this.#headers].map(([key, [, value]]) => [key, value]))); }
    getHeaderNames() { return [...this.#headers.keys()]; }
    getRawHeaderNames() { return [...this.#headers.values()].map(([name]) => name); }
    hasHeader(name) { return this.#headers.has(name.toLowerCase()); }
    removeHeader(name) { this.#headers.delete(name.toLowerCase()); }
    flushHeaders() {}
    list() { return [...this.#headers.values()].flatMap(([name, value]) => [value].flat().map((each) => [name, `${each}`])); }
}
Object.defineProperty(OutgoingMessage.prototype, 'list', { enumerable: false });

export class ClientRequest extends OutgoingMessage {
    #body = [];
    #abort = new AbortController();
    #timer;

    constructor(input, options, callback) {
        super();
        if (typeof input === 'string') input = new URL(input);
        if (input instanceof URL) {
            const { protocol, hostname, port, pathname, search, username, password } = input;
            input = { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port: port || undefined, path: pathname + search, ...(username ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}) };
        } else {
            [input, options, callback] = [{}, input, options];
        }
        if (typeof options === 'function') [options, callback] = [{}, options];
        const given = { ...input, ...options };
        const protocol = given.protocol ?? given.agent?.protocol ?? given.defaultProtocol ?? 'http:';
        if (protocol !== 'http:' && protocol !== 'https:') throw Object.assign(new TypeError(`Protocol "${protocol}" not supported. Expected "http:"`), { code: 'ERR_INVALID_PROTOCOL' });
        const host = given.hostname ?? given.host ?? 'localhost';
        this.protocol = protocol;
        this.method = `${given.method ?? 'GET'}`.toUpperCase();
        this.path = given.path ?? '/';
        this.host = host;
        this.agent = given.agent ?? globalAgent;
        this.reusedSocket = false;
        this.aborted = false;
        this.res = null;
        this.socket = this.connection = socket();
        const port = given.port ? `:${given.port}` : '';
        this.url = new URL(`${protocol}//${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.split(':')[0]}${port}${this.path.startsWith('/') ? this.path : `/${this.path}`}`);
        const headers = Array.isArray(given.headers) ? given.headers : Object.entries(given.headers ?? {});
        for (const [name, value] of headers) if (value !== undefined) this.setHeader(name, value);
        if (given.auth && !this.hasHeader('authorization')) this.setHeader('Authorization', `Basic ${Buffer.from(given.auth).toString('base64')}`);
        if (!this.hasHeader('host')) this.setHeader('Host', this.url.host);
        if (callback) this.once('response', callback);
        if (given.timeout) this.setTimeout(given.timeout);
        given.signal?.addEventListener('abort', () => this.destroy(given.signal.reason), { once: true });
        process.nextTick(() => { if (!this.destroyed) this.emit('socket', this.socket); });
    }

    _write(chunk, encoding, done) {
        this.#body.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
        done();
    }

    _final(done) {
        this.headersSent = true;
        this.finished = true;
        const request = { url: this.url, method: this.method, headers: this.list(), body: Buffer.concat(this.#body), signal: this.#abort.signal };
        exchange(request).then((answer) => {
            clearTimeout(this.#timer);
            if (this.destroyed) {
                closeBody(answer);
                return;
            }
            const response = new IncomingMessage(answer, this.socket);
            this.res = response;
            response.req = this;
            response.once('close', () => { this.emit('close'); });
            if (!this.emit('response', response)) response.resume();
        }, (error) => {
            if (this.destroyed) return;
            this.destroy(Object.assign(error, { syscall: 'connect', address: this.url.hostname, port: this.url.port }));
        });
        done();
    }

    _destroy(error, done) {
        clearTimeout(this.#timer);
        this.#abort.abort();
        this.res?.destroy(error);
        if (!error && !this.res && this.headersSent) error = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
        done(error);
    }

    abort() {
        this.aborted = true;
        this.emit('abort');
        this.destroy();
    }

    setTimeout(ms, callback) {
        if (callback) this.once('timeout', callback);
        clearTimeout(this.#timer);
        if (ms > 0) this.#timer = setTimeout(() => this.emit('timeout'), ms);
        this.#timer?.unref();
        return this;
    }

    setNoDelay() { return this; }
    setSocketKeepAlive() { return this; }
}

const TOKEN = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
export function validateHeaderName(name) {
    if (typeof name !== 'string' || !TOKEN.test(name)) throw Object.assign(new TypeError(`Header name must be a valid HTTP token ["${name}"]`), { code: 'ERR_INVALID_HTTP_TOKEN' });
}
export function validateHeaderValue(name, value) {
    if (value === undefined) throw Object.assign(new TypeError(`Invalid value "undefined" for header "${name}"`), { code: 'ERR_HTTP_INVALID_HEADER_VALUE' });
}

export class Server extends NetServer {
    setTimeout() { return this; }
    closeAllConnections() {}
    closeIdleConnections() {}
}
export class ServerResponse extends OutgoingMessage {
    statusCode = 200;
    statusMessage = undefined;
    writeHead(code, reason, headers) {
        if (typeof reason === 'object') headers = reason;
        this.statusCode = code;
        for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value);
        return this;
    }
    _write(_, __, done) { done(); }
}

export function client(defaultProtocol) {
    const request = (input, options, callback) => {
        if (typeof input === 'string' || input instanceof URL) {
            if (typeof options === 'function') [options, callback] = [{}, options];
            return new ClientRequest(input, { ...options }, callback);
        }
        return new ClientRequest({ defaultProtocol, ...input }, options, callback);
    };
    const get = (...args) => {
        const made = request(...args);
        made.end();
        return made;
    };
    return {
        request, get, Agent, globalAgent, ClientRequest, IncomingMessage, OutgoingMessage, Server, ServerResponse, METHODS, STATUS_CODES: TEXTS, maxHeaderSize: 16384,
        createServer: (...args) => new Server(...args), validateHeaderName, validateHeaderValue, setMaxIdleHTTPParsers() {}, WebSocket: absent('a web socket'),
    };
}

export default client('http:');
