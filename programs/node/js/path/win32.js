import posix from 'lib:path';
export default posix.win32;
