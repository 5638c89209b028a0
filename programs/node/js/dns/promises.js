import { promises } from 'lib:dns';
export default promises;
