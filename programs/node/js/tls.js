import net from 'lib:net';
import { absent } from 'lib:internal/absent';

export default {
    connect: absent('a socket'), createServer: absent('listening'), createSecureContext: () => ({}), TLSSocket: net.Socket, Server: net.Server,
    checkServerIdentity: () => undefined, getCiphers: () => [], rootCertificates: [], DEFAULT_MIN_VERSION: 'TLSv1.2', DEFAULT_MAX_VERSION: 'TLSv1.3', DEFAULT_ECDH_CURVE: 'auto',
};
