export { MIME_TYPE } from './payload';
export { EditView } from './view';
export { readOptions } from './live';
export type { Live, Options } from './live';
export type { EditPayload } from './payload';
