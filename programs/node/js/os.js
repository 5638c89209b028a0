import native from 'lib:internal/native';
import process from 'lib:process';
import { errorNumbers } from 'lib:internal/syserror';

const names = ['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM', 'TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH', 'IO', 'PWR', 'SYS'];
const signals = Object.fromEntries(names.map((name, at) => [`SIG${name}`, at + 1]));
Object.assign(signals, { SIGIOT: 6, SIGPOLL: 29 });

export const constants = Object.freeze({
    UV_UDP_REUSEADDR: 4,
    dlopen: Object.freeze({ RTLD_LAZY: 1, RTLD_NOW: 2, RTLD_GLOBAL: 256, RTLD_LOCAL: 0 }),
    errno: Object.freeze(errorNumbers()),
    signals: Object.freeze(signals),
    priority: Object.freeze({ PRIORITY_LOW: 19, PRIORITY_BELOW_NORMAL: 10, PRIORITY_NORMAL: 0, PRIORITY_ABOVE_NORMAL: -7, PRIORITY_HIGH: -14, PRIORITY_HIGHEST: -20 }),
});

const home = () => process.env.HOME || '/workspace';

const os = {
    EOL: '\n',
    devNull: '/dev/null',
    constants,
    arch: () => process.arch,
    machine: () => process.arch,
    platform: () => process.platform,
    type: () => 'Linux',
    release: () => '6.0.0-wasi',
    version: () => 'swarm-flow',
    hostname: () => process.env.HOSTNAME || 'sandbox',
    homedir: home,
    tmpdir: () => (process.env.TMPDIR || process.env.TMP || process.env.TEMP || '/tmp').replace(/(.)\/$/, '$1'),
    endianness: () => 'LE',
    uptime: () => Math.round(native.now()) / 1000,
    loadavg: () => [0, 0, 0],
    totalmem: () => 4294967296,
    freemem: () => 4294967296 - native.memory()[0],
    availableParallelism: () => 1,
    cpus: () => [{ model: 'wasm32', speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
    networkInterfaces: () => ({}),
    getPriority: () => 0,
    setPriority() {},
    userInfo: () => ({ uid: 1000, gid: 1000, username: process.env.USER || 'user', homedir: home(), shell: process.env.SHELL || '/bin/sh' }),
};
export default os;
