import { absent } from 'lib:internal/absent';
export default { connect: absent('HTTP/2'), createServer: absent('listening'), createSecureServer: absent('listening'), constants: {}, sensitiveHeaders: Symbol('nodejs.http2.sensitiveHeaders') };
