import util from 'lib:util';
export default util;
