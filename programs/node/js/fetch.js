// `fetch`, `Headers`, `Request`, `Response`, over `wasi:http`. Each redirect is a request of its own, decided anew by the policy.

import native from 'lib:internal/native';
import { watch, unwatch } from 'lib:internal/loop';
import { Buffer, Blob } from 'lib:buffer';
import { FormData } from 'lib:http_form_data';

const REDIRECTS_MAX = 20;
const PIECE = 65536;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;
const FORBIDDEN = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade', 'proxy-connection', 'te', 'trailer', 'expect']);

const text = (value) => {
    const found = `${value}`.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
    if (/[\0\r\n]/.test(found)) throw new TypeError(`Headers.append: "${found}" is an invalid header value.`);
    return found;
};
const nameOf = (name) => {
    if (!NAME.test(`${name}`)) throw new TypeError(`Headers.append: "${name}" is an invalid header name.`);
    return `${name}`.toLowerCase();
};

export class Headers {
    #list = new Map();
    constructor(init) {
        if (init === undefined) return;
        if (init === null || typeof init !== 'object') throw new TypeError("Failed to construct 'Headers': The provided value is not of type '(record<ByteString, ByteString> or sequence<sequence<ByteString>>'.");
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const pair of pairs) {
            const [name, value] = [...pair];
            this.append(name, value);
        }
        if (init instanceof Headers) {
            const cookies = init.getSetCookie();
            if (cookies.length > 0) this.#list.set('set-cookie', cookies);
        }
    }
    append(name, value) {
        const key = nameOf(name);
        const list = this.#list.get(key);
        if (list) list.push(text(value));
        else this.#list.set(key, [text(value)]);
    }
    set(name, value) { this.#list.set(nameOf(name), [text(value)]); }
    get(name) { return this.#list.get(nameOf(name))?.join(', ') ?? null; }
    has(name) { return this.#list.has(nameOf(name)); }
    delete(name) { this.#list.delete(nameOf(name)); }
    getSetCookie() { return [...(this.#list.get('set-cookie') ?? [])]; }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    *entries() {
        for (const name of [...this.#list.keys()].sort()) {
            if (name === 'set-cookie') for (const value of this.#list.get(name)) yield [name, value];
            else yield [name, this.#list.get(name).join(', ')];
        }
    }
    *keys() { for (const [name] of this) yield name; }
    *values() { for (const [, value] of this) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    get [Symbol.toStringTag]() { return 'Headers'; }
    [Symbol.for('nodejs.util.inspect.custom')](_, options, inspect) { return `Headers ${inspect(Object.fromEntries(this), options)}`; }
}

// ---- bodies

/// Bytes or a stream, and what they are.
function extract(body) {
    if (body === undefined || body === null) return { bytes: null };
    if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain;charset=UTF-8' };
    if (body instanceof URLSearchParams) return { bytes: Buffer.from(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
    if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body.slice(0)) };
    if (ArrayBuffer.isView(body)) return { bytes: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() };
    if (body instanceof Blob) return { later: async () => new Uint8Array(await body.arrayBuffer()), type: body.type || undefined };
    if (body instanceof FormData) {
        const boundary = `----formdata-${Buffer.from(native.randomBytes(12)).toString('hex')}`;
        return { later: () => multipart(body, boundary), type: `multipart/form-data; boundary=${boundary}` };
    }
    if (body instanceof ReadableStream) return { stream: body };
    if (typeof body[Symbol.asyncIterator] === 'function') return { stream: ReadableStream.from ? ReadableStream.from(body) : fromIterable(body) };
    return { bytes: Buffer.from(`${body}`), type: 'text/plain;charset=UTF-8' };
}

function fromIterable(iterable) {
    const iterator = iterable[Symbol.asyncIterator]();
    return new ReadableStream({
        async pull(controller) {
            const { value, done } = await iterator.next();
            if (done) controller.close();
            else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value);
        },
        async cancel() { await iterator.return?.(); },
    });
}

async function multipart(form, boundary) {
    const pieces = [];
    const escape = (name) => name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
    for (const [name, value] of form) {
        pieces.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${escape(name)}"`));
        if (typeof value === 'string') pieces.push(Buffer.from(`\r\n\r\n${value}\r\n`));
        else {
            pieces.push(Buffer.from(`; filename="${escape(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`));
            pieces.push(new Uint8Array(await value.arrayBuffer()), Buffer.from('\r\n'));
        }
    }
    pieces.push(Buffer.from(`--${boundary}--\r\n`));
    return Buffer.concat(pieces);
}

async function collect(stream) {
    const pieces = [];
    const reader = stream.getReader();
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return Buffer.concat(pieces);
        pieces.push(typeof value === 'string' ? Buffer.from(value) : value);
    }
}

const plain = (bytes) => new Uint8Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

class Body {
    #content;
    #stream;
    #used = false;
    constructor(body) { this.#content = extract(body); }
    get contentType() { return this.#content.type; }
    get bodyUsed() { return this.#used || this.#stream?.disturbed === true; }
    get body() {
        if (this.#stream) return this.#stream;
        const { bytes, later, stream } = this.#content;
        if (stream) return (this.#stream = stream);
        if (!later && bytes === null) return null;
        const taken = () => { this.#used = true; };
        return (this.#stream = new ReadableStream({
            async pull(controller) {
                taken();
                const all = later ? await later() : bytes;
                if (all.length > 0) controller.enqueue(plain(all));
                controller.close();
            },
        }, { highWaterMark: 0 }));
    }
    async take() {
        if (this.#used || this.#stream?.locked) throw new TypeError('Body is unusable: Body has already been read');
        const { bytes, later, stream } = this.#content;
        if (bytes === null && !later && !stream) return new Uint8Array(0);
        this.#used = true;
        if (this.#stream || stream) return collect(this.#stream ?? stream);
        return later ? later() : bytes;
    }
    async arrayBuffer() { return plain(await this.take()).buffer; }
    async bytes() { return plain(await this.take()); }
    async text() { return new TextDecoder().decode(await this.take()); }
    async json() { return JSON.parse(await this.text()); }
    async blob() { return new Blob([plain(await this.take())], { type: this.headers.get('content-type') ?? '' }); }
    async formData() {
        const type = this.headers.get('content-type') ?? '';
        if (type.startsWith('application/x-www-form-urlencoded')) {
            const form = new FormData();
            for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
            return form;
        }
        const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
        if (!boundary) throw new TypeError('Body is not form data');
        return readMultipart(Buffer.from(await this.take()), boundary);
    }
    tee() {
        if (this.bodyUsed) throw new TypeError('Response.clone: Body has already been consumed.');
        const { bytes, later, stream } = this.#content;
        if (!stream && !this.#stream) return bytes ?? (later ? new ReadableStream({ async start(controller) { controller.enqueue(plain(await later())); controller.close(); } }) : null);
        const [mine, other] = (this.#stream ?? stream).tee();
        this.#content = { ...this.#content, stream: mine };
        this.#stream = mine;
        return other;
    }
}
for (const name of ['take', 'tee', 'contentType']) Object.defineProperty(Body.prototype, name, { enumerable: false });

function readMultipart(all, boundary) {
    const form = new FormData();
    const mark = Buffer.from(`--${boundary}`);
    let at = all.indexOf(mark) + mark.length + 2;
    for (;;) {
        const end = all.indexOf(mark, at);
        if (end < 0) return form;
        const head = all.indexOf('\r\n\r\n', at);
        const headers = all.subarray(at, head).toString();
        const content = all.subarray(head + 4, end - 2);
        const name = /name="([^"]*)"/.exec(headers)?.[1] ?? '';
        const file = /filename="([^"]*)"/.exec(headers)?.[1];
        const type = /content-type:\s*(\S+)/i.exec(headers)?.[1];
        form.append(name, file === undefined ? content.toString() : new File([content], file, { type }), ...(file === undefined ? [] : [file]));
        at = end + mark.length + 2;
    }
}

export class Request extends Body {
    constructor(input, init = {}) {
        const from = input instanceof Request ? input : undefined;
        let body = init.body;
        if (body === undefined && from?.body) body = from.tee();
        super(body);
        let url;
        try {
            url = new URL(from ? from.url : `${input}`);
        } catch {
            throw new TypeError(`Failed to parse URL from ${input}`);
        }
        if (url.username || url.password) throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${url.href}`);
        let method = `${init.method ?? from?.method ?? 'GET'}`;
        if (!NAME.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`);
        if (/^(get|head|post|put|delete|options)$/i.test(method)) method = method.toUpperCase();
        if (body !== undefined && body !== null && (method === 'GET' || method === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body.');
        const headers = new Headers(init.headers ?? from?.headers);
        if (this.contentType && !headers.has('content-type')) headers.set('content-type', this.contentType);
        const signal = init.signal ?? from?.signal ?? new AbortController().signal;
        const values = { url: url.href, method, headers, signal, redirect: init.redirect ?? from?.redirect ?? 'follow', cache: init.cache ?? 'default', credentials: init.credentials ?? 'same-origin', mode: init.mode ?? 'cors', referrer: 'about:client', referrerPolicy: '', integrity: '', keepalive: false, duplex: 'half', destination: '' };
        for (const [name, value] of Object.entries(values)) Object.defineProperty(this, name, { value, enumerable: true, configurable: true });
    }
    clone() { return new Request(this); }
    get [Symbol.toStringTag]() { return 'Request'; }
}

const EMPTY = new Set([101, 204, 205, 304]);

export class Response extends Body {
    constructor(body, init = {}) {
        super(body);
        const status = init.status ?? 200;
        if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
        if (body !== null && body !== undefined && EMPTY.has(status)) throw new TypeError(`Response constructor: Invalid response status code ${status}`);
        const headers = new Headers(init.headers);
        if (this.contentType && !headers.has('content-type')) headers.set('content-type', this.contentType);
        set(this, { status, statusText: `${init.statusText ?? ''}`, headers, url: '', redirected: false, type: 'default' });
    }
    get ok() { return this.status >= 200 && this.status < 300; }
    clone() { return set(new Response(this.tee(), this), { url: this.url, redirected: this.redirected, type: this.type }); }
    static error() { return set(new Response(), { status: 0, type: 'error' }); }
    static json(data, init = {}) {
        const headers = new Headers(init.headers);
        if (!headers.has('content-type')) headers.set('content-type', 'application/json');
        return new Response(JSON.stringify(data), { ...init, headers });
    }
    static redirect(url, status = 302) {
        if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Invalid status code ${status}`);
        return new Response(null, { status, headers: { location: new URL(url).href } });
    }
    get [Symbol.toStringTag]() { return 'Response'; }
    [Symbol.for('nodejs.util.inspect.custom')](_, options, inspect) {
        const { status, statusText, headers, ok, url, redirected, type, bodyUsed } = this;
        return `Response ${inspect({ status, statusText, headers, bodyUsed, ok, redirected, type, url }, options)}`;
    }
}

function set(target, values) {
    for (const [name, value] of Object.entries(values)) Object.defineProperty(target, name, { value, enumerable: true, configurable: true });
    return target;
}

// ---- the wire

const failed = (message, cause) => new TypeError('fetch failed', { cause: cause ?? new Error(message) });

/// One request: its status, headers, and the stream of its body with what closes it.
export function exchange({ url, method, headers, body, signal }) {
    return new Promise((resolve, reject) => {
        let id;
        const list = headers.filter(([name]) => !FORBIDDEN.has(name.toLowerCase()));
        if (body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method)) list.push(['content-length', `${body.length}`]);
        try {
            id = native.httpSend(method, url.protocol, url.host, url.pathname + url.search, list, body);
        } catch (error) {
            reject(Object.assign(error, { code: codeOf(error.message) }));
            return;
        }
        const poll = native.httpPoll(id);
        const abort = () => {
            unwatch(poll);
            native.httpForget(id);
            reject(signal.reason);
        };
        watch(poll, () => {
            signal?.removeEventListener('abort', abort);
            try {
                const answer = native.httpResponse(id);
                if (answer === undefined) throw new Error('the answer is not there');
                const [status, received, stream, owner] = answer;
                resolve({ status, headers: received, stream, owner });
            } catch (error) {
                reject(Object.assign(error, { code: codeOf(error.message) }));
            }
        });
        signal?.addEventListener('abort', abort, { once: true });
    });
}

const codeOf = (message) => (/refused/.test(message) ? 'ECONNREFUSED' : /resolve/.test(message) ? 'ENOTFOUND' : /policy/.test(message) ? 'EACCES' : /timeout/i.test(message) ? 'ETIMEDOUT' : 'ECONNRESET');

/// The next piece of a body, or null; a promise.
export function nextPiece(stream) {
    return new Promise((resolve, reject) => {
        const look = () => {
            let bytes;
            try {
                bytes = native.read(stream, PIECE);
            } catch (error) {
                reject(error);
                return;
            }
            if (bytes === null || bytes.length > 0) resolve(bytes);
            else watch(native.pollInput(stream), look);
        };
        look();
    });
}

export function closeBody({ stream, owner }) {
    native.closeInput(stream);
    native.httpClose(owner);
}

const KINDS = { gzip: 'createGunzip', 'x-gzip': 'createGunzip', deflate: 'createInflate' };

function bodyOf(answer, signal, kind) {
    const raw = new ReadableStream({
        async pull(controller) {
            if (signal?.aborted) throw signal.reason;
            const bytes = await nextPiece(answer.stream);
            if (bytes === null) {
                closeBody(answer);
                controller.close();
            } else {
                controller.enqueue(bytes);
            }
        },
        cancel() { closeBody(answer); },
    }, { highWaterMark: 0 });
    if (!kind || !zlib) return raw;
    const unpack = zlib[KINDS[kind]]();
    return fromIterable({ async *[Symbol.asyncIterator]() {
        const all = await collect(raw);
        unpack.end(all);
        for await (const piece of unpack) yield plain(piece);
    } });
}
let zlib;
export const useZlib = (module) => { zlib = module; };

export async function fetch(input, init) {
    const request = new Request(input, init);
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    let url = new URL(request.url);
    if (url.protocol === 'data:') return fetchData(url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw failed(`unknown scheme`);
    let { method } = request;
    let body = await request.take();
    const headers = new Headers(request.headers);
    if (!headers.has('accept')) headers.set('accept', '*/*');
    if (!headers.has('user-agent')) headers.set('user-agent', 'node');
    if (!headers.has('accept-encoding')) headers.set('accept-encoding', 'gzip, deflate');
    for (let redirects = 0; ; redirects++) {
        let answer;
        try {
            answer = await exchange({ url, method, headers: [...headers], body, signal });
        } catch (error) {
            if (signal.aborted) throw signal.reason;
            throw failed(undefined, error);
        }
        const received = new Headers(answer.headers);
        const location = received.get('location');
        if ([301, 302, 303, 307, 308].includes(answer.status) && location !== null && request.redirect !== 'manual') {
            closeBody(answer);
            if (request.redirect === 'error') throw failed('unexpected redirect');
            if (redirects >= REDIRECTS_MAX) throw failed('redirect count exceeded');
            const next = new URL(location, url);
            if ((answer.status === 303 && method !== 'HEAD') || (answer.status <= 302 && method === 'POST')) {
                method = 'GET';
                body = new Uint8Array(0);
                for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language']) headers.delete(name);
            }
            if (next.origin !== url.origin) for (const name of ['authorization', 'cookie', 'proxy-authorization']) headers.delete(name);
            url = next;
            continue;
        }
        const empty = method === 'HEAD' || EMPTY.has(answer.status);
        if (empty) closeBody(answer);
        const kind = received.get('content-encoding')?.trim().toLowerCase();
        const response = new Response(empty ? null : bodyOf(answer, signal, KINDS[kind] ? kind : undefined), { status: Math.max(200, answer.status), headers: received, statusText: TEXTS[answer.status] ?? '' });
        return set(response, { status: answer.status, url: url.href, redirected: redirects > 0, type: 'basic' });
    }
}

function fetchData(url) {
    const [, type, base64, content] = /^data:([^,]*?)(;base64)?,([^]*)$/.exec(url.href) ?? [];
    if (content === undefined) throw failed('invalid data URL');
    const bytes = base64 ? Buffer.from(decodeURIComponent(content), 'base64') : Buffer.from(decodeURIComponent(content));
    return new Response(bytes, { headers: { 'content-type': type || 'text/plain;charset=US-ASCII' } });
}

export const TEXTS = {
    100: 'Continue', 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted', 203: 'Non-Authoritative Information',
    204: 'No Content', 205: 'Reset Content', 206: 'Partial Content', 207: 'Multi-Status', 208: 'Already Reported', 226: 'IM Used', 300: 'Multiple Choices', 301: 'Moved Permanently',
    302: 'Found', 303: 'See Other', 304: 'Not Modified', 305: 'Use Proxy', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized',
    402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 407: 'Proxy Authentication Required', 408: 'Request Timeout',
    409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Payload Too Large', 414: 'URI Too Long', 415: 'Unsupported Media Type',
    416: 'Range Not Satisfiable', 417: 'Expectation Failed', 418: "I'm a Teapot", 421: 'Misdirected Request', 422: 'Unprocessable Entity', 423: 'Locked', 424: 'Failed Dependency',
    425: 'Too Early', 426: 'Upgrade Required', 428: 'Precondition Required', 429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 451: 'Unavailable For Legal Reasons',
    500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
    506: 'Variant Also Negotiates', 507: 'Insufficient Storage', 508: 'Loop Detected', 509: 'Bandwidth Limit Exceeded', 510: 'Not Extended', 511: 'Network Authentication Required',
};
