// `util.types` asks it what a key is; there are no key objects.
export const is_crypto_key = () => false;
export const is_key_object = () => false;
