export { MIME_TYPE } from './payload';
export { CompareView } from './view';
export { readOptions } from './live';
export type { ExplainArgs, Live, Options } from './live';
export type { ComparePayload } from './payload';
