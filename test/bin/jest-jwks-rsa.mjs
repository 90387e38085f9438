/** Stands for jwks-rsa under Jest: the package itself, as the environment has loaded it (jest-environment.mjs). */
export const { JwksClient, SigningKeyNotFoundError } = globalThis.jwksRsa;
