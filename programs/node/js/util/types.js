import { types } from 'lib:util';
export default types;
