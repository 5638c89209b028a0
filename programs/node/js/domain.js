import EventEmitter from 'lib:events';

// Errors of what runs in a domain are its own; emitters and timers are not bound to it.
export class Domain extends EventEmitter {
    members = [];
    run(callback, ...args) {
        try {
            return callback(...args);
        } catch (error) {
            this.emit('error', error);
            return undefined;
        }
    }
    bind(callback) { return (...args) => this.run(callback, ...args); }
    intercept(callback) { return (error, ...args) => (error ? this.emit('error', error) : this.run(callback, ...args)); }
    add() {}
    remove() {}
    enter() {}
    exit() {}
    dispose() {}
}
export const create = () => new Domain();
export default { Domain, create, createDomain: create, active: null };
