// Errors of the system as Node.js words them.

import native from 'lib:internal/native';

const TEXTS = {
    EACCES: [-13, 'permission denied'], EAGAIN: [-11, 'resource temporarily unavailable'], EBADF: [-9, 'bad file descriptor'],
    EBUSY: [-16, 'resource busy or locked'], EEXIST: [-17, 'file already exists'], EFBIG: [-27, 'file too large'],
    EINVAL: [-22, 'invalid argument'], EIO: [-5, 'i/o error'], EISDIR: [-21, 'illegal operation on a directory'],
    ELOOP: [-40, 'too many symbolic links encountered'], EMFILE: [-24, 'too many open files'], EMLINK: [-31, 'too many links'],
    ENAMETOOLONG: [-36, 'name too long'], ENFILE: [-23, 'file table overflow'], ENOENT: [-2, 'no such file or directory'],
    ENOMEM: [-12, 'not enough memory'], ENOSPC: [-28, 'no space left on device'], ENOSYS: [-38, 'function not implemented'],
    ENOTDIR: [-20, 'not a directory'], ENOTEMPTY: [-39, 'directory not empty'], ENOTSUP: [-95, 'operation not supported on socket'],
    EPERM: [-1, 'operation not permitted'], EPIPE: [-32, 'broken pipe'], EROFS: [-30, 'read-only file system'],
    ESPIPE: [-29, 'invalid seek'], EXDEV: [-18, 'cross-device link not permitted'], ENXIO: [-6, 'no such device or address'],
    EDQUOT: [-122, 'disk quota exceeded'], ECONNREFUSED: [-111, 'connection refused'], ENOTFOUND: [-3008, 'getaddrinfo ENOTFOUND'],
    ETIMEDOUT: [-110, 'connection timed out'], ESRCH: [-3, 'no such process'], ECONNRESET: [-104, 'connection reset by peer'],
    EADDRINUSE: [-98, 'address already in use'], ECANCELED: [-125, 'operation canceled'], ENOBUFS: [-105, 'no buffer space available'],
};

export const errorNumbers = () => Object.fromEntries(Object.entries(TEXTS).map(([code, [number]]) => [code, -number]));
export const errorMap = () => new Map(Object.entries(TEXTS).map(([code, [number, text]]) => [number, [code, text]]));

export function systemError(code, syscall, path, dest) {
    const [errno, text] = TEXTS[code] ?? [-5, 'unknown error'];
    let message = `${code}: ${text}, ${syscall}`;
    if (path !== undefined) message += ` '${path}'`;
    if (dest !== undefined) message += ` -> '${dest}'`;
    const error = Object.assign(new Error(message), { errno, code, syscall });
    if (path !== undefined) error.path = path;
    if (dest !== undefined) error.dest = dest;
    return error;
}

/// What a native call gave, or the error that it means.
export function checked(result, syscall, path, dest) {
    if (typeof result === 'number' && result < 0) {
        throw systemError(native.errors[-result] ?? 'EIO', syscall, path, dest);
    }
    return result;
}
