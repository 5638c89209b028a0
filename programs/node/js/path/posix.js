import posix from 'lib:path';
export default posix.posix ?? posix;
