export { MIME_TYPE } from './payload';
export { LensView } from './view';
export { readOptions } from './live';
export type { ExplainArgs, Live, Options } from './live';
export type { LensPayload } from './payload';
