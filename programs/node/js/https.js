import { Agent as HttpAgent, client } from 'lib:http';

export class Agent extends HttpAgent {
    constructor(options) {
        super(options);
        Object.assign(this, { protocol: 'https:', defaultPort: 443 });
    }
}
export default { ...client('https:'), Agent, globalAgent: new Agent() };
