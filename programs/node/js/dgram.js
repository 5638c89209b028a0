import { absent } from 'lib:internal/absent';
export default { createSocket: absent('a socket'), Socket: absent('a socket') };
