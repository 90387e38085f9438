/** Who may come in, for how long, and how much each may ask for. */
export { Admission } from './admission.js';
export { addressKey, type Address } from './address.js';
export { Bucket, rateOf, type Rate } from './bucket.js';
export { isAllowedOrigin } from './origin.js';
export { Pass, type PassState } from './pass.js';
export { PROXY_HEADERS, TrustedProxies, type ProxyHeader } from './proxies.js';
export { Seats, localUserSeats, type Leave, type UserSeats } from './seats.js';
