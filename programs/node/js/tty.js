import { openStdin, openStderr, openStdout } from 'lib:internal/stdio';

// A sandbox has no terminal.
export const isatty = () => false;
export function ReadStream() { return openStdin(); }
export function WriteStream(fd) { return fd === 2 ? openStderr() : openStdout(); }
WriteStream.prototype.getColorDepth = () => 1;
WriteStream.prototype.hasColors = () => false;

export default { isatty, ReadStream, WriteStream };
