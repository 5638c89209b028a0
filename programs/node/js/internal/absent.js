// What a sandbox has not: it can be imported, and says so when it is used.

export function absent(what, code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM') {
    return function unavailable() {
        throw Object.assign(new Error(`${what} is not available in a sandbox`), { code });
    };
}
