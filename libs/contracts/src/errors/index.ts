export { PROBLEMS, problemType, type FieldError, type Problem, type ProblemCode } from './http.js';
export { SOCKET_CODES, type SocketCode } from './socket.js';
