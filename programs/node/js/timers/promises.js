import { promises } from 'lib:timers';

export const { setTimeout, setInterval, setImmediate, scheduler } = promises;
export default promises;
