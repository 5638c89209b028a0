import { promises } from 'lib:readline';
export default promises;
