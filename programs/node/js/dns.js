import { systemError } from 'lib:internal/syserror';
import { isIP } from 'lib:net';
import { finish } from 'lib:internal/loop';

// Names are looked up where requests are made, outside.
function look(name, options) {
    const family = isIP(name) || (name === 'localhost' ? 4 : 0);
    if (family === 0) throw Object.assign(systemError('ENOTFOUND', 'getaddrinfo'), { message: `getaddrinfo ENOTFOUND ${name}`, hostname: name });
    const found = { address: name === 'localhost' ? '127.0.0.1' : name, family };
    return options?.all ? [found] : found;
}

export const promises = { lookup: async (name, options) => look(name, options) };

function lookup(name, options, callback) {
    if (typeof options === 'function') [options, callback] = [{}, options];
    let found;
    try {
        found = look(name, options);
    } catch (error) {
        finish(callback, error);
        return;
    }
    if (options?.all) finish(callback, null, found);
    else finish(callback, null, found.address, found.family);
}

const refuse = (name, ...rest) => finish(rest.at(-1), Object.assign(systemError('ENOTFOUND', 'query'), { hostname: name }));
const dns = { lookup, promises, getServers: () => [], setServers() {}, setDefaultResultOrder() {}, getDefaultResultOrder: () => 'verbatim', ADDRCONFIG: 1024, V4MAPPED: 2048, ALL: 256, NOTFOUND: 'ENOTFOUND', NODATA: 'ENODATA' };
for (const name of ['resolve', 'resolve4', 'resolve6', 'resolveMx', 'resolveTxt', 'resolveSrv', 'resolveNs', 'resolveCname', 'resolveSoa', 'resolvePtr', 'resolveAny', 'reverse', 'lookupService']) {
    dns[name] = refuse;
    promises[name] = async (host) => { throw Object.assign(systemError('ENOTFOUND', 'query'), { hostname: host }); };
}
export default dns;
