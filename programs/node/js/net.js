// `net` for code that only asks about addresses. There are no raw sockets; HTTP goes by `fetch`, `http` and `https`.

import { Duplex } from 'lib:stream';
import EventEmitter from 'lib:events';
import { absent } from 'lib:internal/absent';

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export const isIPv4 = (text) => V4.test(String(text));
export function isIPv6(text) {
    text = String(text).split('%')[0];
    const [head, tail, ...rest] = text.split('::');
    if (rest.length > 0 || !text.includes(':')) return false;
    const parts = (part) => (part === undefined || part === '' ? [] : part.split(':'));
    const all = [...parts(head), ...parts(tail)];
    const embedded = V4.test(all.at(-1) ?? '') ? all.pop() && 2 : 0;
    if (!all.every((part) => /^[\da-f]{1,4}$/i.test(part))) return false;
    const count = all.length + embedded;
    return tail === undefined ? count === 8 : count < 8;
}
export const isIP = (text) => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0);

export class Socket extends Duplex {
    connect() { absent('a socket')(); }
    setTimeout() { return this; }
    setNoDelay() { return this; }
    setKeepAlive() { return this; }
    ref() { return this; }
    unref() { return this; }
}
export class Server extends EventEmitter {
    listen() { absent('listening')(); }
    close(callback) { callback?.(); return this; }
    address() { return null; }
    ref() { return this; }
    unref() { return this; }
}
export class BlockList {
    addAddress() {}
    addRange() {}
    addSubnet() {}
    check() { return false; }
}
export class SocketAddress {}

export default {
    isIP, isIPv4, isIPv6, Socket, Stream: Socket, Server, BlockList, SocketAddress,
    connect: absent('a socket'), createConnection: absent('a socket'), createServer: (...args) => new Server(...args),
    getDefaultAutoSelectFamily: () => true, setDefaultAutoSelectFamily() {},
    getDefaultAutoSelectFamilyAttemptTimeout: () => 250, setDefaultAutoSelectFamilyAttemptTimeout() {},
};
