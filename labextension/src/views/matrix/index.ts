export { MIME_TYPE } from './payload';
export { MatrixView } from './view';
export { readOptions } from './live';
export type { ExplainArgs, Live, Options } from './live';
export type { MatrixPayload } from './payload';
